"""Lays out the real channel indexes of TINDERBOX_TESTDATA as channels: c2017, c2018, pytorch, sudoku.

    real_channels.py REPODATA WORK

The two from conda's own tests lack the "packages" around their records. WORK/sudoku.specs gets requests for the puzzle. The
published puzzle has no answer, because its author puts most cells into a wrong block.
"""
import json, pathlib, sys

import zstandard

data, work = map(pathlib.Path, sys.argv[1:])


def load(name):
    return json.loads(zstandard.ZstdDecompressor().decompressobj().decompress((data / name).read_bytes()))


def write(channel, subdir, root):
    (work / channel / subdir).mkdir(parents=True)
    (work / channel / subdir / "repodata.json").write_text(json.dumps(root))


for name, channel in (("conda-tests-index2-2017.bare.json.zst", "c2017"), ("conda-tests-index4-2018.bare.json.zst", "c2018")):
    write(channel, "linux-64", {"info": {"subdir": "linux-64"}, "packages": load(name)})
    write(channel, "noarch", {"info": {"subdir": "noarch"}, "packages": {}})
write("pytorch", "linux-64", load("pytorch-linux-64-2023.json.zst"))
write("sudoku", "noarch", load("jjhelmus-sudoku-noarch.json.zst"))
write("sudoku", "linux-64", {"packages": {}})
cells = [f"sudoku_{r}_{c}" for r in range(9) for c in range(9)]
grids = ["." * 81, "11" + "." * 79, "12345678" + "1" + "." * 72]
(work / "sudoku.specs").write_text("".join(
    " ; ".join(cell + (f"=={given}" if given != "." else "") for cell, given in zip(cells, grid, strict=True)) + "\n" for grid in grids))
