"""A GPU environment of twenty packages on an index of conda-forge's size: Tinderbox beside py-rattler, seconds of wall and CPU, peak memory.

    conda_solve.py TINDERBOX [CHANNEL]      CHANNEL: of tests/fixtures/make_large_channel.py; made (700 MB, minutes) when not given

Each run is a process of its own. "cold" has no cache: Tinderbox reads 700 MB of JSON into its own index, py-rattler maps the JSON and
parses what it reaches; "warm" has Tinderbox's index. py-rattler has no form to keep, so it has one number.
"""
import json, os, resource, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
tinderbox = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp()
channel = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else os.path.join(work, "large")
if len(sys.argv) < 3:
    subprocess.run([sys.executable, os.path.join(here, "../fixtures/make_large_channel.py"), channel], check=True)
SPECS = ["python=3.11", "pytorch-gpu", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "jupyterlab", "ipykernel", "transformers", "datasets",
         "seaborn", "tqdm", "pyyaml", "h5py", "numba", "pytorch-lightning", "requests", "cuda-version=12.6"]
RATTLER = """
import asyncio, json, sys, rattler
from rattler import *
channel, specs = sys.argv[1], sys.argv[2:]
sparse = [SparseRepoData(Channel("file://" + channel), s, f"{channel}/{s}/repodata.json") for s in ("linux-64", "noarch")]
virtual = [GenericVirtualPackage(PackageName(n), Version(v), BuildString(b)) for n, v, b in
           (("__unix", "0", "0"), ("__linux", "4.18", "0"), ("__glibc", "2.28", "0"), ("__archspec", "1", "x86_64"), ("__cuda", "12.6", "0"))]
found = asyncio.run(solve_with_sparse_repodata(specs=[MatchSpec(s) for s in specs], sparse_repodata=sparse, virtual_packages=virtual))
print(json.dumps({r.name.normalized: [str(r.version), str(r.build)] for r in found}))
"""


def run(command, environment={}):
    start = time.time()
    pid = os.posix_spawn(command[0], command, dict(os.environ, **environment), file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.path.join(work, "out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                                                                                            (os.POSIX_SPAWN_OPEN, 2, os.path.join(work, "err"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    _, status, usage = os.wait4(pid, 0)
    with open(os.path.join(work, "out")) as out, open(os.path.join(work, "err")) as err:
        text = out.read()
        if status:
            sys.exit(f"{command[0]}: {err.read()[-2000:]}")
    return {"wall_s": round(time.time() - start, 2), "cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": usage.ru_maxrss // 1024}, json.loads(text)


command = [tinderbox, "build", "--plan", "--json", "--base", "none", "--name", "x", "--channel", channel]
for spec in SPECS:
    command += ["--conda", spec]
cache = {"TINDERBOX_CACHE": os.path.join(work, "cache"), "CONDARC": "/dev/null"}
cold, plan = run(command, cache)
lock = plan["lock"]
warm = min((run(command, cache)[0] for _ in range(3)), key=lambda r: r["wall_s"])
other, answer = min((run([sys.executable, "-c", RATTLER, channel, *SPECS]) for _ in range(2)), key=lambda r: r[0]["wall_s"])
ours = {a["name"]: [a["version"], a["build"]] for a in lock["artifacts"]}
print(json.dumps({"index_mb": sum(os.path.getsize(f"{channel}/{s}/repodata.json") for s in ("linux-64", "noarch")) // 1_000_000, "packages": len(ours),
                  "tinderbox_cold": cold, "tinderbox_warm": warm, "py_rattler": other,
                  "different": {n: [ours.get(n), answer.get(n)] for n in sorted(set(ours) | set(answer)) if ours.get(n) != answer.get(n)}}, indent=1))
