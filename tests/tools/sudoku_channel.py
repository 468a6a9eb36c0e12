"""Writes Sudoku as a channel: 81 names with nine versions that exclude each other, after that of Jonathan Helmus.

    sudoku_channel.py CHANNEL SPECS

SPECS gets one request a line, for compare_conda_solve.py: three puzzles with one answer, the empty grid, and one without an answer.
"""
import json, pathlib, sys

channel, file = map(pathlib.Path, sys.argv[1:])
cells = [(r, c) for r in range(9) for c in range(9)]
packages = {}
for r, c in cells:
    peers = [(a, b) for a, b in cells if (a, b) != (r, c) and (a == r or b == c or (a // 3, b // 3) == (r // 3, c // 3))]
    for version in range(1, 10):
        packages[f"sudoku_{r}_{c}-{version}-0.tar.bz2"] = {
            "name": f"sudoku_{r}_{c}", "version": str(version), "build": "0", "build_number": 0, "subdir": "noarch", "noarch": "generic",
            "depends": [f"sudoku_{a}_{b} !={version}" for a, b in peers], "md5": f"{len(packages):032x}", "size": 1}
for subdir, rows in (("noarch", packages), ("linux-64", {})):
    (channel / subdir).mkdir(parents=True)
    (channel / subdir / "repodata.json").write_text(json.dumps({"info": {"subdir": subdir}, "packages": rows}))
grids = ["8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..",
         "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9",
         "4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......", "." * 81,
         "8...9......36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4.."]
file.write_text("".join(" ; ".join(f"sudoku_{r}_{c}" + (f"=={given}" if given != "." else "") for (r, c), given in zip(cells, grid, strict=True)) + "\n"
                        for grid in grids))
