"""Compares Tinderbox's conda solves with py-rattler's on the same channels.

    compare_conda_solve.py TINDERBOX CHANNEL… [--random N] [--seed S] [--priority strict|disabled|flexible] [--specs FILE]
                           [--virtual __cuda=12.0] [--show N] [--timeout S] [--tolerate SHARE]
    compare_conda_solve.py TINDERBOX --packed N [--seed S] [--show N] [--tolerate SHARE]

CHANNELs are directories. Request sets: lines of --specs (specs separated by ' ; '), and --random sets of 1 to 6 names of
the channels, some with an existing version. --packed makes worlds of two or three small channels, packed with
py-rattler-build and indexed by rattler. They have python and packages built for it, noarch, constrains, track_features, build
variants and numbers, python_site_packages_path, __cuda and __glibc, and the same names in several channels. N requests use
each channel priority, `channel::name`, virtual packages, and pins (lock, then lock --update of one package). Both tools solve
each request; the answers fall into these classes:

    same         the same packages and builds, or no answer from both
    build        the same names and versions, another build somewhere
    version      some version differs
    names        another set of names
    timeout      py-rattler gave no answer in --timeout seconds (300); our answer is checked
    verdict      only one has an answer   (never legitimate)
    invalid      our answer breaks a dependency, a constraint or the channel priority, checked here with rattler's own
                 MatchSpec   (never legitimate)

Prints one JSON line: counts, a comparison of the differing answers, and the first differences. "ours better": take the
requested packages in the order of the request; the first that differs is a better candidate in our answer. Exit 1 when a
class that is never legitimate is not empty, or when more sets than --tolerate (a share) have a differing answer that is not
better.
"""
import argparse, collections, json, os, random, select, shutil, subprocess, sys, tempfile

from rattler import MatchSpec, PackageRecord, BuildString, Version, VersionWithSource

# Runs in a process of its own, because a hard puzzle takes minutes. Reads and writes a line of JSON.
RATTLER = """
import asyncio, json, os, sys
from rattler import *
from rattler.exceptions import SolverError
opened = {}
for line in sys.stdin:
    q = json.loads(line)
    if opened.get("of") != q["channels"]:
        opened = {"of": q["channels"], "sparse": [SparseRepoData(Channel("file://" + path), subdir, os.path.join(path, subdir, "repodata.json"))
                  for path in q["channels"] for subdir in (q["platform"], "noarch") if os.path.exists(os.path.join(path, subdir, "repodata.json"))]}
    virtual = [GenericVirtualPackage(PackageName(n), Version(v), BuildString(b)) for n, (v, b) in q["virtuals"].items()]
    priority = {"strict": ChannelPriority.Strict, "disabled": ChannelPriority.Disabled, "flexible": ChannelPriority.Flexible}[q["priority"]]
    try:
        found = asyncio.run(solve_with_sparse_repodata(specs=[MatchSpec(s) for s in q["specs"]], constraints=[MatchSpec(s) for s in q["constraints"]],
                                                       sparse_repodata=opened["sparse"], virtual_packages=virtual, channel_priority=priority))
        out = {"answer": {r.name.normalized: (str(r.version), str(r.build), r.channel.removeprefix("file://").rstrip("/")) for r in found}}
    except SolverError as error:
        out = {"answer": None, "why": str(error)[:4000]}
    print(json.dumps(out), flush=True)
os._exit(0)  # without finalizing: its threads sometimes abort that
"""

parser = argparse.ArgumentParser()
parser.add_argument("tinderbox")
parser.add_argument("channels", nargs="*")
parser.add_argument("--random", type=int, default=0)
parser.add_argument("--packed", type=int, default=0)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--priority", default="strict")
parser.add_argument("--specs")
parser.add_argument("--virtual", action="append", default=[])
parser.add_argument("--show", type=int, default=5)
parser.add_argument("--platform", default="linux-64")
parser.add_argument("--timeout", type=float, default=300)
parser.add_argument("--tolerate", type=float, default=1)
args = parser.parse_args()


def name_of(text):
    text = text.split("::")[-1].split()[0]
    for sign in "=<>![~":
        text = text.split(sign)[0]
    return text


class Channels:
    """The records of the channels' repodata.json."""

    def __init__(self, paths):
        self.paths = [os.path.abspath(p) for p in paths]
        self.records, self.by_key, self.holders = collections.defaultdict(list), {}, collections.defaultdict(list)
        for path in self.paths:
            for subdir in (args.platform, "noarch"):
                file = os.path.join(path, subdir, "repodata.json")
                if not os.path.exists(file):
                    continue
                with open(file) as f:
                    root = json.load(f)
                for section in ("packages", "packages.conda"):
                    for row in root.get(section, {}).values():
                        self.records[row["name"]].append(row)
                        self.by_key[(row["name"], row["version"], row["build"], path)] = row
                        if path not in self.holders[row["name"]]:
                            self.holders[row["name"]].append(path)


class Request:
    def __init__(self, specs, priority, virtuals, constraints=()):
        self.specs, self.priority, self.virtuals, self.constraints = specs, priority, virtuals, list(constraints)

    def virtual_packages(self):
        out = {"__unix": ("0", "0"), "__linux": ("4.18", "0"), "__glibc": ("2.28", "0"), "__archspec": ("1", "x86_64")}
        for text in self.virtuals:
            name, _, version = text.partition("=")
            out.pop(name, None)
            if version:
                out[name] = (version, "0")
        return out

    def options(self, channels):
        command = ["--base", "none", "--channel-priority", self.priority, "--platform", args.platform]
        for path in channels.paths:
            command += ["--channel", path]
        for spec in self.specs:
            command += ["--conda", spec]
        for text in self.virtuals if any(v.startswith("__cuda=") for v in self.virtuals) else [*self.virtuals, "__cuda="]:
            command += ["--virtual", text]
        return command


def answer_of(lock):
    return {a["name"]: (a["version"], a["build"], a["channel"].removeprefix("file://")) for a in lock["artifacts"]}


def tinderbox(*command):
    """Standard output and error; None and the error without an answer."""
    run = subprocess.run([args.tinderbox, *command], capture_output=True, text=True, env={"TINDERBOX_CACHE": os.path.join(scratch, "cache"), **os.environ, "CONDARC": "/dev/null", "HOME": scratch})
    if run.returncode == 9:
        return None, run.stderr
    if run.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {run.returncode}\n{run.stderr}")
    return run.stdout, run.stderr


def ours(channels, request):
    out, said = tinderbox("build", "--plan", "--json", "--name", "x", *request.options(channels))
    return None if out is None else answer_of(json.loads(out)["lock"]), said


rattler = None


def theirs(channels, request):
    question = {"channels": channels.paths, "platform": args.platform, "virtuals": request.virtual_packages(), "priority": request.priority,
                "specs": request.specs, "constraints": request.constraints}
    global rattler
    if not rattler:
        rattler = subprocess.Popen([sys.executable, "-c", RATTLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rattler.stdin.write(json.dumps(question) + "\n")
    rattler.stdin.flush()
    if not select.select([rattler.stdout], [], [], args.timeout)[0]:
        rattler.kill()
        rattler.wait()
        rattler = None
        return "timeout", ""
    line = rattler.stdout.readline()
    if not line:
        raise SystemExit(f"py-rattler ended with {rattler.wait()}")
    out = json.loads(line)
    return out["answer"] and {n: tuple(row) for n, row in out["answer"].items()}, out.get("why", "")


def violation(channels, request, answer):
    """The first rule that an answer breaks, or None. Independent of our code: rattler's MatchSpec on the records."""
    virtuals = request.virtual_packages()

    def record(name, version, build, number):
        return PackageRecord(name=name, version=version, build=BuildString(build), build_number=number, subdir=args.platform)

    def fits(text, channel=False):
        """None: no such package exists."""
        name, spec = name_of(text), MatchSpec(text.split("::")[-1])
        if name in virtuals:
            return spec.matches(record(name, *virtuals[name], 0))
        if name not in answer:
            return None
        row = channels.by_key.get((name, *answer[name]))
        if row is None or (channel and "::" in text and answer[name][2] != text.split("::")[0].removeprefix("file://")):
            return False
        return spec.matches(record(name, row["version"], row["build"], row.get("build_number", 0)))

    for spec in request.specs:
        if fits(spec, True) is not True:
            return f"request: {spec}"
    for spec in request.constraints:
        if fits(spec) is False:
            return f"pin: {spec}"
    named = {name_of(s) for s in request.specs if "::" in s}
    for name, place in answer.items():
        row = channels.by_key[(name, *place)]
        for text in row.get("depends", []):
            if fits(text) is not True:
                return f"{name} {place}: depends {text}"
        for text in row.get("constrains", []):
            if fits(text) is False:
                return f"{name} {place}: constrains {text}"
        if request.priority == "strict" and name not in named and place[2] != channels.holders[name][0]:
            return f"{name} {place}: with strict priority it comes from {channels.holders[name][0]}"
    return None


def quality(channels, request, name, place):
    """The sort key of a candidate, in the order that conda and rattler share; less is better."""
    row = channels.by_key[(name, *place)]
    versions = sorted({VersionWithSource(r["version"]) for r in channels.records[name]}, reverse=True)
    channel = channels.paths.index(place[2])
    return (bool(row.get("track_features")), 0 if request.priority == "disabled" else channel, versions.index(VersionWithSource(row["version"])),
            channel, -row.get("build_number", 0))


def random_sets(channels, count, seed):
    rng = random.Random(seed)
    names = sorted(channels.records)
    weighted = sorted(names, key=lambda n: -len(channels.records[n]))[: max(40, len(names) // 4)]
    for _ in range(count):
        yield [some_spec(rng, channels, name) for name in rng.sample(weighted, min(rng.randint(1, 6), len(weighted)))]


def some_spec(rng, channels, name):
    version = rng.choice(channels.records[name])["version"]
    major, minor = version.split(".")[0], ".".join(version.split(".")[:2])
    return rng.choice([name, name, name, f"{name}={minor}", f"{name}>={minor}", f"{name}<={version}", f"{name}={major}"])


# ---- worlds of packed channels ------------------------------------------------------------------------------


def make_world(directory, rng):
    """Two or three channels of real packages. The first has the most packages, like conda-forge."""
    import asyncio, datetime

    from rattler import Subdir  # the argument type of index_fs
    from rattler.index import index_fs
    from rattler_build import assemble_package

    pythons = ["3.9.18", "3.10.13", "3.11.7"]
    libraries = [f"lib{c}" for c in "abcd"]
    modules = [f"mod-{c}" for c in "abcdef"]
    tools = ["tool-x", "tool-y"]
    more = {}  # file name → fields that the packer cannot write
    clock = [1_700_000_000]

    def pack(path, name, version, build="0", number=0, depends=(), constrains=(), noarch=None, **fields):
        clock[0] += 1000
        made = assemble_package(name, version, "noarch" if noarch else args.platform, build, os.path.join(path, "noarch" if noarch else args.platform),
                                depends=list(depends), constrains=list(constrains), build_number=number, noarch=noarch, license="MIT", compression_level=1,
                                timestamp=datetime.datetime.fromtimestamp(clock[0], datetime.timezone.utc))
        if fields:
            more[os.path.basename(str(made.path))] = fields

    def bound(name, versions):
        v = rng.choice(versions)
        return rng.choice([name, f"{name} >={v}", f"{name} <{v}", f"{name} {v}.*", f"{name} >={v},<{int(v.split('.')[0]) + 1}.0a0", f"{name} !={v}", f"{name} {v}|{rng.choice(versions)}"])

    lib_versions, mod_versions = ["1.0", "1.1", "2.0", "3.0"], ["0.9", "1.0", "1.5", "2.0"]
    paths = []
    for number in range(rng.choice([2, 2, 3])):
        path = os.path.join(directory, f"c{number}")
        paths.append(path)
        for subdir in (args.platform, "noarch"):
            os.makedirs(os.path.join(path, subdir))
        main = number == 0
        if main or rng.random() < 0.3:
            for version in pythons[:: 1 if main else 2]:
                minor = version.rsplit(".", 1)[0]
                pack(path, "python", version, "h1_cpython", rng.randint(0, 1), ["liba"] if rng.random() < 0.3 else [], [f"python_abi {minor}.* *_cp{minor.replace('.', '')}"],
                     python_site_packages_path=f"lib/python{minor}/site-packages")
        if main:
            for version in pythons:
                minor = version.rsplit(".", 1)[0]
                pack(path, "python_abi", minor, f"1_cp{minor.replace('.', '')}", noarch="generic", constrains=[f"python {minor}.*"])
            for version in ("11.8", "12.2", "12.6"):
                pack(path, "cuda-version", version, noarch="generic", constrains=[f"__cuda >={version.split('.')[0]}", f"cudatoolkit {version}|{version}.*"])
        for name in libraries:
            if not main and rng.random() < 0.5:
                continue
            for version in rng.sample(lib_versions, rng.randint(1, 3)):
                for build in range(rng.choice([1, 1, 2])):
                    depends = [bound(o, lib_versions) for o in libraries if o > name and rng.random() < 0.25]
                    if rng.random() < 0.1:
                        depends.append(f"__glibc >={rng.choice(['2.17', '2.28', '2.34'])},<3.0.a0")
                    pack(path, name, version, f"h{build}_{build}", build, depends, [bound(o, lib_versions) for o in libraries if o != name and rng.random() < 0.1])
        for name in modules:
            if not main and rng.random() < 0.5:
                continue
            noarch = rng.random() < 0.4
            for version in rng.sample(mod_versions, rng.randint(1, 3)):
                depends = [bound(o, mod_versions) for o in modules if o > name and rng.random() < 0.25]
                constrains = [bound(o, mod_versions) for o in modules if o != name and rng.random() < 0.1]
                if noarch:
                    pack(path, name, version, "pyhd_0", rng.randint(0, 2), [*depends, f"python >={rng.choice(['3.8', '3.10', '3.11'])}"], constrains, "python")
                    continue
                depends += [bound(o, lib_versions) for o in libraries if rng.random() < 0.25]
                for minor in rng.sample(["3.9", "3.10", "3.11"], rng.randint(1, 3)):
                    tag = minor.replace(".", "")
                    abi = [f"python >={minor},<3.{int(minor[2:]) + 1}.0a0", f"python_abi {minor}.* *_cp{tag}"]
                    pack(path, name, version, f"py{tag}h0_0", 0, [*depends, *abi], constrains)
                    if rng.random() < 0.35:  # variants for a GPU, preferred by build number as at conda-forge
                        pack(path, name, version, f"cuda_py{tag}h1_200", 200, [*depends, *abi, "__cuda", "cuda-version >=11"], constrains)
                    if rng.random() < 0.2:
                        pack(path, name, version, f"debug_py{tag}h2_0", rng.randint(0, 5), [*depends, *abi], constrains, track_features="debug")
        for name in tools:
            for version in rng.sample(mod_versions, 2):
                pack(path, name, version, "0", rng.randint(0, 3), [bound(o, mod_versions) for o in rng.sample(modules, 2)], noarch="generic")
    for path in paths:
        asyncio.run(index_fs(path, write_zst=False, write_shards=False))
        for subdir in (args.platform, "noarch"):
            file = os.path.join(path, subdir, "repodata.json")
            with open(file) as f:
                root = json.load(f)
            for fn, row in root.get("packages.conda", {}).items():
                row.update(more.get(fn, {}))
            with open(file, "w") as f:
                json.dump(root, f)
    return paths


def pinned(channels, rng, request, directory):
    """Locks an older channel, then runs `lock --update` of one name: (our answer, its messages, request for rattler)."""
    lock = os.path.join(directory, "pins.lock")
    files = [os.path.join(p, s, "repodata.json") for p in channels.paths for s in (args.platform, "noarch")]
    whole = {file: open(file).read() for file in files}
    try:
        for file in files:  # the channel before its newest third was added
            root = json.loads(whole[file])
            root["packages.conda"] = {fn: row for fn, row in root.get("packages.conda", {}).items() if rng.random() < 0.67}
            with open(file, "w") as f:
                json.dump(root, f)
        out, said = tinderbox("lock", *request.options(channels), "--name", "x", "-o", lock)
    finally:
        for file in files:
            with open(file, "w") as f:
                f.write(whole[file])
    if out is None:
        return None
    with open(lock) as f:
        before = answer_of(json.load(f))
    moving = rng.choice(sorted(before))
    out, said = tinderbox("lock", *request.options(channels), "--name", "x", "-o", lock, "--update", moving)
    if out is None:
        mine = None
    else:
        with open(lock) as f:
            mine = answer_of(json.load(f))
    request.constraints = [f"{n}=={v}={b}" for n, (v, b, _) in before.items() if n != moving]
    return mine, said


def packed_requests(count, seed, directory):
    """(channels, request, function that gives our answer)"""
    rng = random.Random(seed)
    made = 0
    while made < count:
        channels = Channels(make_world(tempfile.mkdtemp(dir=directory), rng))
        for _ in range(min(20, count - made)):
            made += 1
            names = rng.sample(sorted(n for n in channels.records if n != "python_abi"), rng.randint(1, 4))
            specs = [some_spec(rng, channels, n) for n in names]
            if "python" not in names and rng.random() < 0.4:
                specs.append(f"python={rng.choice(['3.9', '3.10', '3.11'])}")
            if rng.random() < 0.25:
                which = rng.randrange(len(specs))
                specs[which] = f"file://{rng.choice(channels.holders[name_of(specs[which])])}::{specs[which]}"
            virtuals = [f"__cuda={rng.choice(['11.8', '12.2', '12.6'])}"] if rng.random() < 0.5 else []
            if rng.random() < 0.2:
                virtuals.append(f"__glibc={rng.choice(['2.17', '2.35'])}")
            request = Request(specs, rng.choice(["strict", "flexible", "disabled"]), virtuals)
            if rng.random() < 0.2 and (pins := pinned(channels, rng, request, directory)):
                yield channels, request, pins
            else:
                yield channels, request, ours(channels, request)


def given_requests():
    channels = Channels(args.channels)
    sets = []
    if args.specs:
        with open(args.specs) as f:
            sets += [[s.strip() for s in line.split(" ; ")] for line in f if line.strip() and not line.startswith("#")]
    sets += list(random_sets(channels, args.random, args.seed))
    for specs in sets:
        request = Request(specs, args.priority, args.virtual)
        yield channels, request, ours(channels, request)


def better(channels, request, mine, other):
    for name in [name_of(s) for s in request.specs] + sorted(set(mine) & set(other)):
        left, right = (quality(channels, request, name, a[name]) for a in (mine, other))
        if left != right:
            return "ours better" if left < right else "theirs better"
    return "equal"


def main(directory):
    counts, shown, compared, total = collections.Counter(), [], collections.Counter(), 0
    for channels, request, (mine, said) in packed_requests(args.packed, args.seed, directory) if args.packed else given_requests():
        total += 1
        other, why = theirs(channels, request)
        detail = ""
        if other == "timeout":
            kind, other = "timeout", None
        elif (mine is None) != (other is None):
            kind, detail = "verdict", (said or why)[:600]
        elif mine is None or mine == other:
            kind = "same"
        elif set(mine) != set(other):
            kind = "names"
        elif any(mine[n][0] != other[n][0] for n in mine):
            kind = "version"
        else:
            kind = "build"
        if mine is not None and (broken := violation(channels, request, mine)):
            kind, detail = "invalid", broken
        counts[kind] += 1
        if mine and other and kind not in ("same", "invalid"):
            verdict = better(channels, request, mine, other)
            broken = violation(channels, request, other)
            compared[f"theirs breaks {broken.split(':')[-1].split()[0]}" if broken else verdict] += 1
            detail = {"first difference of what was asked for": broken or verdict,
                      **{n: [mine.get(n), other.get(n)] for n in sorted(set(mine) | set(other)) if mine.get(n) != other.get(n)}}
        if kind != "same" and len(shown) < args.show:
            shown.append({"specs": request.specs, "priority": request.priority, "virtual": request.virtuals, "pins": request.constraints, "class": kind,
                          "ours, theirs": detail})
    print(json.dumps({"sets": total, "counts": counts, "where answers differ": compared, "differences": shown}, indent=1))
    worse = sum(compared.values()) - compared["ours better"]
    return 1 if counts["verdict"] or counts["invalid"] or worse > args.tolerate * total else 0


scratch = tempfile.mkdtemp(prefix="compare-")
try:
    status = main(scratch)
finally:
    shutil.rmtree(scratch)
    if rattler:
        rattler.stdin.close()
        rattler.wait()
sys.exit(status)
