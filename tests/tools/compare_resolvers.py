"""Compares the answers of Tinderbox, uv and pip to the requirement sets of tests/tools/resolver_cases.txt.

    compare_resolvers.py TINDERBOX UV [--only REGEX] [--default] [--pip] [--jobs N] [--keep DIR] [--timeout S]
    compare_resolvers.py TINDERBOX UV --reachable       exit 0 when uv gets any answer from the index

Each set is resolved for x86-64 Linux with glibc 2.28 and the set's Python, wheels only, from pip's configured index. The
version of each package must be uv's, and uv must allow the hash of our file. With --pip, pip resolves the sets of the running
Python, too (it cannot evaluate markers for another one), and the files must be the same. For a set without a solution every
tool must say so. Prints each difference; exit 1 when one of them is not in EXPLAINED. pip may download hundreds of wheels and
gets --timeout seconds (900); a set that takes longer is reported and counted, not compared. A set that differs is resolved
again, because a file may have been uploaded in between.
"""
import argparse, concurrent.futures, json, os, pathlib, re, subprocess, sys, tempfile, time

# docs/measured/comparison.md says more. Key: (set, package, other resolver).
VLLM = "transformers and xgrammar cannot both be the newest; each resolver keeps another of the two"
EXPLAINED = {("vllm", package, other): VLLM
             for package in ("huggingface-hub", "tokenizers", "transformers", "xgrammar") for other in ("uv", "pip")}

arguments = argparse.ArgumentParser()
arguments.add_argument("tinderbox"), arguments.add_argument("uv")
arguments.add_argument("--only", default=""), arguments.add_argument("--keep"), arguments.add_argument("--jobs", type=int, default=1)
arguments.add_argument("--timeout", type=float, default=900)
arguments.add_argument("--reachable", action="store_true")
arguments.add_argument("--default", action="store_true"), arguments.add_argument("--pip", action="store_true")
options = arguments.parse_args()
here = "%d.%d" % sys.version_info[:2]
work = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="resolvers-"))
work.mkdir(exist_ok=True)
environment = {k: v for k, v in os.environ.items() if k not in ("PIP_FIND_LINKS", "VIRTUAL_ENV")}
environment |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def cases():
    name = None
    for line in (pathlib.Path(__file__).parent / "resolver_cases.txt").read_text().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if head := re.fullmatch(r"\[(\S+) (\S+)((?: \w+)*)\]", line):
            if name:
                yield name, python, flags, lines
            name, python, flags, lines = head[1], head[2], head[3].split(), []
        else:
            lines.append(line)
    yield name, python, flags, lines


def normalise(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def run(command, **more):
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, **more)
    return done, time.monotonic() - start


class Failure(str):
    pass


def ours(file, python, out, glibc="2.28"):
    # uv takes 3.11 as 3.11.0, Tinderbox as the newest 3.11.
    exact = python + ".0" if python.count(".") == 1 else python
    done, seconds = run([options.tinderbox, "lock", "--pip-only", "--python", exact, "--target-glibc", glibc, file, "-o", out])
    if done.returncode:
        return Failure(f"exit {done.returncode}: {done.stderr.strip()}"), seconds
    lock = json.loads(pathlib.Path(out).read_text())
    return {a["name"]: (a["version"], a["sha256"], a["file_name"]) for a in lock["artifacts"]}, seconds


def uvs(file, python, out):
    command = [options.uv, "pip", "compile", "-q", "--no-config", "--no-header", "--no-annotate", "--generate-hashes", "--upgrade",
               "--only-binary", ":all:", "--python-platform", "x86_64-manylinux_2_28", "--python-version", python, "-o", out, file]
    if any(line.strip() == "--pre" for line in open(file)):
        command += ["--prerelease", "allow"]  # uv ignores this line of the file
    if url := environment.get("PIP_INDEX_URL"):
        command += ["--index-url", url]
    done, seconds = run(command)
    if done.returncode:
        return Failure(f"exit {done.returncode}: {done.stderr.strip()}"), seconds
    rows = {}
    for block in re.split(r"\n(?=\S)", pathlib.Path(out).read_text()):
        if head := re.match(r"([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", block):
            rows[normalise(head[1])] = (head[2], set(re.findall(r"sha256:([0-9a-f]{64})", block)))
    return rows, seconds


def pips(file, out):
    done, seconds = run([sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--only-binary", ":all:",
                         "--report", out, "-r", file], timeout=options.timeout)
    if done.returncode:
        return Failure(f"exit {done.returncode}: {done.stderr.strip()}"), seconds
    report = json.loads(pathlib.Path(out).read_text())
    return {normalise(row["metadata"]["name"]): (row["metadata"]["version"], row["download_info"]["url"].rpartition("/")[2],
                                                 row["download_info"]["archive_info"]["hashes"]["sha256"])
            for row in report["install"]}, seconds


def compare(mine, theirs, other, conflict):
    """One row a difference: (package, difference)."""
    if isinstance(mine, Failure) or isinstance(theirs, Failure):
        if isinstance(mine, Failure) and isinstance(theirs, Failure):
            return [] if conflict else [("", f"nobody finds an answer: {mine}")]
        return [("", f"ours: {mine}" if isinstance(mine, Failure) else f"ours has an answer, {other} says {theirs}")]
    if conflict:
        return [("", "it was meant to be a conflict, and everybody finds an answer")]
    out = []
    for name in sorted(mine.keys() | theirs.keys()):
        if name not in mine or name not in theirs:
            out.append((name, f"only {'ours: ' + mine[name][0] if name in mine else other + ': ' + theirs[name][0]}"))
        elif mine[name][0] != theirs[name][0]:
            out.append((name, f"ours {mine[name][0]}, {other} {theirs[name][0]}"))
        elif other == "uv" and theirs[name][1] and mine[name][1] not in theirs[name][1]:
            out.append((name, f"{mine[name][2]} is none of the files that uv names"))
        elif other == "pip" and mine[name][1] != theirs[name][2]:
            out.append((name, f"{mine[name][2]}, pip takes {theirs[name][1]}"))
    return out


def one(case):
    name, python, flags, lines = case
    file = work / f"{name}.in"
    file.write_text("".join(line + "\n" for line in lines))
    conflict = "conflict" in flags
    report, differences = "", []
    for attempt in range(2):
        mine, seconds = ours(str(file), python, str(work / f"{name}.lock"))
        theirs, uv_seconds = uvs(str(file), python, str(work / f"{name}.uv"))
        differences = [("uv", *d) for d in compare(mine, theirs, "uv", conflict)]
        report = f"{name:24} Python {python:5} {len(mine) if not isinstance(mine, Failure) else 'none':>4}  ours {seconds:6.2f} s, uv {uv_seconds:6.2f} s"
        if options.pip and python == here:
            glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1]  # pip's target is this machine
            mine, _ = ours(str(file), sys.version.split()[0], str(work / f"{name}.pip.lock"), glibc)
            try:
                pip, pip_seconds = pips(str(file), str(work / f"{name}.pip"))
            except subprocess.TimeoutExpired:
                slow.append(name)
                report += f", pip no answer in {options.timeout:.0f} s"
            else:
                differences += [("pip", *d) for d in compare(mine, pip, "pip", conflict)]
                report += f", pip {pip_seconds:6.2f} s"
        if all((name, d[1], d[0]) in EXPLAINED for d in differences):
            break
    unexplained = 0
    for other, package, what in differences:
        reason = EXPLAINED.get((name, package, other))
        unexplained += reason is None
        report += f"\n    {'as explained' if reason else 'DIFFERENT'}: {package or 'the answer'}: {what}" + (f" ({reason})" if reason else "")
    if conflict and isinstance(mine, Failure):
        report += "\n" + "".join(f"    | {line}\n" for line in mine.splitlines()).rstrip()
    return report, unexplained


if options.reachable:
    (work / "one.in").write_text("six\n")
    answer, _ = uvs(str(work / "one.in"), here, str(work / "one.uv"))
    sys.exit(isinstance(answer, Failure))
chosen = [case for case in cases() if re.search(options.only, case[0]) and (not options.default or "default" in case[2])]
wrong, slow = 0, []
with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    for report, unexplained in pool.map(one, chosen):
        print(report, flush=True)
        wrong += unexplained > 0
print(f"{len(chosen)} requirement sets, {wrong} with differences that are not explained" + (f"; pip gave no answer in time for {', '.join(sorted(set(slow)))}" if slow else ""))
sys.exit(bool(wrong))
