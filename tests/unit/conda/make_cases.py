"""Writes version_cases.json: how conda and rattler order versions and match specs, for match_spec_test.cpp.

    TINDERBOX_CONDA_SOURCE=CONDA_CHECKOUT make_cases.py > version_cases.json

order: [left, right, -1|0|1] from conda's VersionOrder. match: [spec, version, build, build_number, true|false] from conda's
MatchSpec. Cases in which rattler differs are also in "rattler_differs". invalid: specs that both refuse.
"""
import json, os, random, re, sys, warnings

sys.path.insert(0, os.environ["TINDERBOX_CONDA_SOURCE"])
warnings.simplefilter("ignore")
import logging
logging.disable(logging.CRITICAL)
from conda.models.version import VersionOrder
from conda.models.match_spec import MatchSpec
from conda.models.records import PackageRecord
import rattler

rng = random.Random(7)


def version():
    parts = [str(rng.choice([0, 1, 2, 3, 9, 10, 11, 20, 2024])) for _ in range(rng.randint(1, 4))]
    text = ".".join(parts)
    if rng.random() < 0.45:
        text += rng.choice(["a1", "b2", "rc1", ".dev0", "dev3", "post1", ".post2", "_1", "a", ".alpha", "_", "g", "rc", ".0", "+cu113", "+1.2", ".b", "_abc"])
    if rng.random() < 0.05:
        text = "1!" + text
    return text


versions = sorted({version() for _ in range(400)} | {"1.0", "1.0.0", "1.1.0dev1", "1.1dev1", "1.1.a1", "1.1_", "1996.07.12", "2!0.4.1", "0.960923", "1.0.1_", "1.0.1a"})
order, match, differs, invalid = [], [], [], []
for _ in range(2500):
    a, b = rng.choice(versions), rng.choice(versions)
    if rng.random() < 0.3:
        b = a + rng.choice([".0", "a", ".1", "post1", ".dev1"])
    try:
        left, right = VersionOrder(a), VersionOrder(b)
    except Exception:
        continue
    says = -1 if left < right else 0 if left == right else 1
    try:
        l, r = rattler.Version(a), rattler.Version(b)
        other = -1 if l < r else 0 if l == r else 1
    except Exception:
        other = None
    (order if other == says else differs).append([a, b, says] + ([] if other == says else [other]))

BUILDS = ["py39_0", "py310h1234567_1", "h0_0", "cuda112py39_0", "cpu_py38_2", "0", "mkl", "openblas", "pyhd8ed1ab_0"]


def spec():
    v = rng.choice(versions)
    v = re.sub(r"_$", "", v)
    w = rng.choice(versions)
    short = ".".join(v.split(".")[:2])
    b = rng.choice(["py39*", "*cuda*", "py310h1234567_1", "mkl", "*", "*_0", "^py(39|310).*$", "h0_0"])
    # A '|' belongs to versions; a build with one has to stand in brackets.
    bracketed, b = b, b if "|" not in b else "py39*"
    return rng.choice([
        f"n[build='{bracketed}']", f"n={short}", f"n={v}", f"n=={v}", f"n {v}", f"n {short}.*", f"n={short}.*", f"n>={v}", f"n >={v}", f"n >={v},<{w}", f"n>={v}|<{w}", f"n {v}|{w}", f"n!={v}", f"n !={short}.*",
        f"n~={v if '.' in v else v + '.0'}", f"n>{v}", f"n<{v}", f"n<={v}", f"n={v}={b}", f"n=={v}={b}", f"n {v} {b}", f"n * {b}", f"n[version='>={v},<{w}']", f"n[build={b}]", f"n[version='{short}.*',build='{b}']",
        f"n[build_number='>=1']", f"n[build_number=2]", f"n >={v} {b}", f"n {short}*", f"n (>={v},<{w})|=={short}", f"n >= {v}, < {w}", f"n = {short}", f"n= {short}", f"n == {v}", f"n",
        f"n ({v}|{w}),>0", f"n={short}*", f"N>={v}", f"n>={short}.*", f"conda-forge::n={short}", f"n[version='={short}']", f"n[version='=={v}']", f"n {v}*", f"n={v}=*_0"])


def record(v, b, number):
    return PackageRecord(name="n", version=v, build=b, build_number=number, channel="conda-forge", subdir="linux-64", fn=f"n-{v}-{b}.conda", url=f"https://conda.anaconda.org/conda-forge/linux-64/n-{v}-{b}.conda")


seen = set()
for _ in range(12000):
    if len(match) >= 3200:
        break
    text = spec()
    v = rng.choice(versions)
    if rng.random() < 0.5:  # near the spec's own version, or nothing ever matches
        inside = re.findall(r"\d[\w.!+]*", text)
        if inside:
            v = rng.choice(inside).rstrip(".") + rng.choice(["", "", ".0", ".1", "rc1", ".post1"])
    b, number = rng.choice(BUILDS), rng.randint(0, 3)
    if (text, v, b, number) in seen:
        continue
    seen.add((text, v, b, number))
    try:
        says = MatchSpec(text).match(record(v, b, number))
    except Exception:
        says = None
    try:
        parsed = rattler.MatchSpec(text)
        row = rattler.PackageRecord(name="n", version=v, build=rattler.BuildString(b), build_number=number, subdir="linux-64")
        other = rattler.NamelessMatchSpec.from_match_spec(parsed).matches(row)
    except Exception as error:
        other = None
    if says is None and other is None:
        invalid.append(text)
    elif says is not None:
        # rattler refuses some old spellings; then conda alone decides.
        if other is None or other == says:
            match.append([text, v, b, number, bool(says)])
        else:
            differs.append([text, v, b, number, bool(says), bool(other)])
json.dump({"order": order, "match": match, "rattler_differs": differs, "invalid": sorted(set(invalid))}, sys.stdout, indent=None, separators=(",", ":"))
