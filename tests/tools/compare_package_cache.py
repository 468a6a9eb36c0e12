"""Compares two package caches that -k keeps in PREFIX/pkgs: that of an installer's .sh, and that of Tinderbox.

    compare_package_cache.py THEIRS OURS        prefixes

Compares every file of every extracted package (kind, content, link, mode) and urls, urls.txt. Only theirs has the archives:
conda uses the extracted packages, and `conda clean --tarballs` would remove the archives. Write bits of group and others are
not compared: Tinderbox keeps those of the package, conda extracts under its umask, and installers ship records with 0664.
"""
import hashlib
import os
import stat
import sys


def tree(root):
    out = {}
    for directory, names, files in os.walk(root):
        for name in [*files, *(n for n in names if os.path.islink(os.path.join(directory, n)))]:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                out[os.path.relpath(path, root)] = ("link", os.readlink(path))
            else:
                with open(path, "rb") as file:
                    out[os.path.relpath(path, root)] = (stat.S_IMODE(status.st_mode) & ~0o022, hashlib.sha256(file.read()).hexdigest())
    return out


theirs, ours = (tree(os.path.join(prefix, "pkgs")) for prefix in sys.argv[1:3])
problems = []
for path in sorted(set(theirs) | set(ours)):
    if os.sep not in path and path.endswith((".conda", ".tar.bz2")):
        continue
    if path not in ours or path not in theirs:
        problems.append(f"{path}: only in {'theirs' if path in theirs else 'ours'}")
    elif theirs[path] != ours[path]:
        problems.append(f"{path}: {theirs[path]} and {ours[path]}")
for problem in problems[:40]:
    print("DIFFERENCE:", problem)
print(f"package cache: {len(ours)} files, {len(problems)} differences")
sys.exit(bool(problems) or len(ours) < 50)
