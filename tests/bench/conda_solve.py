"""Solves a GPU environment of twenty packages on an index of conda-forge's size with Tinderbox and with py-rattler.

Prints seconds of wall time and CPU, and peak memory.

    conda_solve.py [TINDERBOX [CHANNEL]] [--runs N]

TINDERBOX: default build/release/tinderbox. CHANNEL: default one of tests/fixtures/make_large_channel.py (697 MB of JSON), which
is made once below the cache. Needs py-rattler in the running interpreter: $(scripts/test-venv)/bin/python. Prints medians of N
runs (5); each run is a process of its own, and the two tools alternate.

The channel has no repodata.json.zst: Tinderbox would read it and py-rattler would not. "first" has no cache: Tinderbox reads
697 MB of JSON into its own index, py-rattler maps the JSON and parses the parts that it needs. "again" has Tinderbox's index.
py-rattler keeps no index, so it has one number; "own_s" is its time without Python's start and imports.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
parser.add_argument("tinderbox", nargs="?", default=os.path.join(here, "../../build/release/tinderbox"))
parser.add_argument("channel", nargs="?")
parser.add_argument("--runs", type=int, default=5)
args = parser.parse_args()
tinderbox = os.path.abspath(args.tinderbox)
cache = os.environ.get("TINDERBOX_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tinderbox")
channel = os.path.abspath(args.channel or os.path.join(cache, "test-conda", "large"))
if not os.path.exists(os.path.join(channel, "noarch", "repodata.json")):
    subprocess.run([sys.executable, os.path.join(here, "../fixtures/make_large_channel.py"), channel + ".part"], check=True, stdout=sys.stderr)
    os.rename(channel + ".part", channel)
SPECS = ["python=3.11", "pytorch-gpu", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "jupyterlab", "ipykernel", "transformers", "datasets",
         "seaborn", "tqdm", "pyyaml", "h5py", "numba", "pytorch-lightning", "requests", "cuda-version=12.6"]
RATTLER = """
import asyncio, json, sys, rattler, time, os
from rattler import *
channel, specs, start = sys.argv[1], sys.argv[2:], time.monotonic()
sparse = [SparseRepoData(Channel("file://" + channel), s, f"{channel}/{s}/repodata.json") for s in ("linux-64", "noarch")]
virtual = [GenericVirtualPackage(PackageName(n), Version(v), BuildString(b)) for n, v, b in
           (("__unix", "0", "0"), ("__linux", "4.18", "0"), ("__glibc", "2.28", "0"), ("__archspec", "1", "x86_64"), ("__cuda", "12.6", "0"))]
found = asyncio.run(solve_with_sparse_repodata(specs=[MatchSpec(s) for s in specs], sparse_repodata=sparse, virtual_packages=virtual))
print(json.dumps([time.monotonic() - start, {r.name.normalized: [str(r.version), str(r.build)] for r in found}]), flush=True)
os._exit(0)
"""
work = tempfile.mkdtemp()
seen = os.path.join(work, "channel")
for subdir in ("linux-64", "noarch"):
    os.makedirs(os.path.join(seen, subdir))
    os.symlink(os.path.join(channel, subdir, "repodata.json"), os.path.join(seen, subdir, "repodata.json"))
channel = seen


def run(command, environment={}):
    out, err = os.path.join(work, "out"), os.path.join(work, "err")
    start = time.monotonic()
    pid = os.posix_spawn(command[0], command, dict(os.environ, **environment),
                         file_actions=[(os.POSIX_SPAWN_OPEN, fd, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for fd, path in ((1, out), (2, err))])
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    with open(out) as o, open(err) as e:
        if status:
            sys.exit(f"{command[0]}: {e.read()[-2000:]}")
        return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}, json.load(o)


command = [tinderbox, "build", "--plan", "--json", "--base", "none", "--name", "x", "--channel", channel]
for spec in SPECS:
    command += ["--conda", spec]
environment = {"TINDERBOX_CACHE": os.path.join(work, "cache"), "CONDARC": "/dev/null"}
index_mb = sum(os.path.getsize(f"{channel}/{s}/repodata.json") for s in ("linux-64", "noarch")) // 1_000_000
rows = {"tinderbox_first": [], "tinderbox_again": [], "py_rattler": []}
try:
    for _ in range(args.runs):
        shutil.rmtree(environment["TINDERBOX_CACHE"], ignore_errors=True)
        one, plan = run(command, environment)
        rows["tinderbox_first"].append(one)
        rows["tinderbox_again"].append(run(command, environment)[0])
        one, (seconds, answer) = run([sys.executable, "-c", RATTLER, channel, *SPECS])
        rows["py_rattler"].append({**one, "own_s": seconds})
finally:
    shutil.rmtree(work)
ours = {a["name"]: [a["version"], a["build"]] for a in plan["lock"]["artifacts"]}
print(json.dumps({"index_mb": index_mb, "packages": len(ours),
                  "runs": args.runs, "load": os.getloadavg()[0],
                  **{name: {key: round(statistics.median(r[key] for r in values), 2) for key in values[0]} for name, values in rows.items()},
                  "different": {n: [ours.get(n), answer.get(n)] for n in sorted(set(ours) | set(answer)) if ours.get(n) != answer.get(n)}}, indent=1))
