"""Prints one SHA-256 of this interpreter and its standard library: what a captured Python consists of."""

import hashlib
import os
import sys
import sysconfig

total = hashlib.sha256()
files = [os.path.realpath(sys.executable)]
for directory, directories, names in os.walk(sysconfig.get_path("stdlib")):
    directories[:] = [d for d in directories if d not in ("site-packages", "__pycache__")]
    files += [os.path.join(directory, name) for name in names]
for file in sorted(files):
    with open(file, "rb") as content:
        total.update(file.encode() + b"\0" + content.read())
print(total.hexdigest())
