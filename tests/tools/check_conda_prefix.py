"""Checks that records, history, compiled files and modes are those of conda. The Python of the installed prefix runs it.

    check_conda_prefix.py PREFIX
"""
import hashlib, importlib.metadata as m, json, os, sqlite3, ssl, sys, sysconfig, urllib.parse

prefix = sys.argv[1]
assert sys.prefix == prefix == sysconfig.get_config_var("prefix"), (sys.prefix, sysconfig.get_config_var("prefix"))
assert m.version("tinder-noarch") == "0.3"
import tinder_noarch.other
assert os.path.exists(tinder_noarch.other.__cached__) and tinder_noarch.__file__.startswith(prefix)
assert sorted(os.listdir(prefix + "/share/Case")) == ["File", "file"]
assert os.path.isdir(prefix + "/var/empty/deep") and os.stat(prefix + "/var/log").st_mode & 0o777 == 0o700
records = [json.load(open(f"{prefix}/conda-meta/{n}")) for n in os.listdir(prefix + "/conda-meta") if n.endswith(".json")]
names = {r["name"] for r in records}
assert {"python", "tinder-noarch", "tinder-post", "tinder-legacy"} <= names and len(names) == 11, names
history = open(prefix + "/conda-meta/history").read()
assert history.startswith("==> 1980-01-01") and history.count("\n+") == 11 and "# update specs: [" in history, history
# conda treats a package as replaced when no line of the history matches its record. Its lines are computed here.
for r in records:
    channel = urllib.parse.unquote(r["url"].rsplit("/", 1)[0])
    assert r["channel"] == channel, (r["channel"], r["url"])
    line = "+{}/{}::{}-{}-{}".format(channel.rsplit("/", 1)[0], r["subdir"], r["name"], r["version"], r["build"])
    assert line in history.split("\n"), (line, history)
    assert r["name"] != "tinder-links" or "/a channel/linux-64" in channel, channel
