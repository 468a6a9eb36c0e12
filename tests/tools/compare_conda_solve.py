"""Compares Tinderbox's conda solves with py-rattler's on the same channels.

    compare_conda_solve.py TINDERBOX CHANNEL… [--random N] [--seed S] [--priority strict|disabled|flexible] [--specs FILE]
                           [--virtual __cuda=12.0] [--show N] [--workers N]

CHANNELs are directories. Request sets: lines of --specs (specs separated by ' ; '), and --random sets of 1 to 6 names of
the channels, some with a version that exists. For each set both tools solve; the answers are put into classes:

    same         the same packages and builds, or both say that there is none
    build        the same names and versions, another build somewhere
    version      some version differs
    names        another set of names
    verdict      one has an answer, the other none   (never legitimate)
    invalid      our answer breaks a dependency or a constraint, checked here with rattler's own MatchSpec   (never legitimate)

Prints one JSON line: counts, the mean rank of the requested versions in both (0 = newest), and the first differences.
Exit 1 when a class that is never legitimate is not empty.
"""
import argparse, asyncio, collections, concurrent.futures, json, os, random, subprocess, sys, tempfile

import rattler, rattler.exceptions
from rattler import Channel, ChannelPriority, GenericVirtualPackage, MatchSpec, PackageName, SparseRepoData, Version, VersionWithSource

parser = argparse.ArgumentParser()
parser.add_argument("tinderbox")
parser.add_argument("channels", nargs="+")
parser.add_argument("--random", type=int, default=0)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--priority", default="strict")
parser.add_argument("--specs")
parser.add_argument("--virtual", action="append", default=[])
parser.add_argument("--show", type=int, default=5)
parser.add_argument("--platform", default="linux-64")
args = parser.parse_args()

channels = [os.path.abspath(c) for c in args.channels]
sparse, records, by_key = [], collections.defaultdict(list), {}
for path in channels:
    for subdir in (args.platform, "noarch"):
        file = os.path.join(path, subdir, "repodata.json")
        if os.path.exists(file):
            data = SparseRepoData(Channel("file://" + path), subdir, file)
            sparse.append(data)
            with open(file) as f:
                root = json.load(f)
            for section in ("packages", "packages.conda"):
                for name, row in root.get(section, {}).items():
                    records[row["name"]].append(row)
                    by_key[(row["name"], row["version"], row["build"], path)] = row

virtuals = {"__unix": ("0", "0"), "__linux": ("4.18", "0"), "__glibc": ("2.28", "0"), "__archspec": ("1", "x86_64")}
for text in args.virtual:
    name, _, version = text.partition("=")
    virtuals[name] = (version, "0")
if any("__cuda" in v for v in args.virtual) is False:
    virtuals.pop("__cuda", None)


def virtual_packages(extra):
    both = dict(virtuals, **extra)
    return [GenericVirtualPackage(PackageName(n), Version(v), rattler.BuildString(b)) for n, (v, b) in both.items()]


places = {}  # of our last answer: package → channel


def ours(specs):
    places.clear()
    command = [args.tinderbox, "build", "--plan", "--json", "--name", "x", "--base", "none", "--channel-priority", args.priority, "--platform", args.platform]
    for path in channels:
        command += ["--channel", path]
    for spec in specs:
        command += ["--conda", spec]
    for text in args.virtual or ["__cuda="]:
        command += ["--virtual", text]
    run = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, CONDARC="/dev/null", HOME="/nonexistent"))
    if run.returncode == 9:
        return None, run.stderr
    if run.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {run.returncode}\n{run.stderr}")
    lock = json.loads(run.stdout)["lock"]
    for a in lock["artifacts"]:
        places[(a["name"], a["version"], a["build"])] = a["channel"].removeprefix("file://")
    return {a["name"]: (a["version"], a["build"]) for a in lock["artifacts"]}, run.stderr


async def theirs(specs):
    priority = {"strict": ChannelPriority.Strict, "disabled": ChannelPriority.Disabled}.get(args.priority)
    if priority is None:
        priority = ChannelPriority.Flexible
    try:
        found = await rattler.solve_with_sparse_repodata(specs=[MatchSpec(s) for s in specs], sparse_repodata=sparse,
                                                         virtual_packages=virtual_packages({}), channel_priority=priority)
    except rattler.exceptions.SolverError as error:
        return None, str(error)
    return {r.name.normalized: (str(r.version), str(r.build)) for r in found}, ""


def violation(specs, answer):
    """What an answer breaks, or None. An independent reading: rattler's MatchSpec on the records."""
    versions = {n: Version(v) for n, (v, b) in answer.items()}

    def fits(text):
        spec = MatchSpec(text)
        name = text.split("::")[-1].split()[0].split("=")[0].split("<")[0].split(">")[0].split("!")[0].split("[")[0].split("~")[0]
        if name.startswith("__"):
            return name in virtuals
        if name not in answer:
            return None
        row = by_key.get((name, *answer[name], places[(name, *answer[name])]))
        if row is None:
            return False
        record = rattler.PackageRecord(name=name, version=row["version"], build=rattler.BuildString(row["build"]), build_number=row.get("build_number", 0), subdir=args.platform)
        return spec.matches(record)

    for spec in specs:
        if fits(spec.split("::")[-1]) is not True:
            return f"request: {spec}"
    for name, (version, build) in answer.items():
        row = by_key[(name, version, build, places[(name, version, build)])]
        for text in row.get("depends", []):
            if fits(text) is not True:
                return f"{name} {version} {build}: depends {text}"
        for text in row.get("constrains", []):
            if fits(text) is False:
                return f"{name} {version} {build}: constrains {text}"
    return None


def random_sets(count, seed):
    rng = random.Random(seed)
    names = sorted(n for n in records)
    weighted = sorted(names, key=lambda n: -len(records[n]))[: max(40, len(names) // 4)]
    for _ in range(count):
        specs = []
        for name in rng.sample(weighted, min(rng.randint(1, 6), len(weighted))):
            version = rng.choice(records[name])["version"]
            major = version.split(".")[0]
            minor = ".".join(version.split(".")[:2])
            specs.append(rng.choice([name, name, name, f"{name}={minor}", f"{name}>={minor}", f"{name}<={version}", f"{name}={major}"]))
        yield specs


sets = []
if args.specs:
    with open(args.specs) as f:
        sets += [[s.strip() for s in line.split(" ; ")] for line in f if line.strip() and not line.startswith("#")]
sets += list(random_sets(args.random, args.seed))

counts, shown, ranks = collections.Counter(), [], collections.Counter()


def rank(name, version):
    order = sorted({VersionWithSource(r["version"]) for r in records[name]}, reverse=True)
    return order.index(VersionWithSource(version))


async def main():
    for specs in sets:
        mine, said = ours(specs)
        other, why = await theirs(specs)
        detail = ""
        if (mine is None) != (other is None):
            kind, detail = "verdict", (said or why)[:600]
        elif mine is None or mine == other:
            kind = "same"
        elif set(mine) != set(other):
            kind = "names"
        elif any(mine[n][0] != other[n][0] for n in mine):
            kind = "version"
        else:
            kind = "build"
        if mine is not None and (broken := violation(specs, mine)):
            kind, detail = "invalid", broken
        counts[kind] += 1
        if mine and other and kind not in ("same", "invalid"):
            for spec in specs:
                name = MatchSpec(spec).name
                name = spec.split("::")[-1].replace("<", "=").replace(">", "=").split("=")[0].split()[0]
                ranks["ours"] += rank(name, mine[name][0])
                ranks["theirs"] += rank(name, other[name][0])
            detail = {n: [mine.get(n), other.get(n)] for n in sorted(set(mine) | set(other)) if mine.get(n) != other.get(n)}
        if kind != "same" and len(shown) < args.show:
            shown.append({"specs": specs, "class": kind, "ours, theirs": detail})
    print(json.dumps({"sets": len(sets), "counts": counts, "rank sum of requested versions where answers differ": ranks, "differences": shown}, indent=1))
    return 1 if counts["verdict"] or counts["invalid"] else 0


status = asyncio.run(main())
sys.stdout.flush()
# Not sys.exit: rattler's threads now and then abort an interpreter that finalizes under them.
os._exit(status)
