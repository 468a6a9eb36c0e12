#!/usr/bin/env python3
"""expand_machine.py NAME.machine DIR: makes the tree of a described machine (tests/fixtures/machines) for TINDERBOX_SYSROOT=DIR.
The format is described in docs/inside/preflight.md. Prints the variables ("env" lines), one NAME=VALUE a line."""
import os
import socket
import sys


def main(machine, root):
    def place(path):
        path = root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    os.makedirs(os.path.join(root, "dev"), exist_ok=True)
    name, content = None, []
    for line in open(machine, encoding="utf-8").read().split("\n") + [""]:
        if name is not None:
            if line:
                content.append(line)
                continue
            with open(place(name), "w", encoding="utf-8") as f:
                f.write("".join(c + "\n" for c in content))
            name, content = None, []
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        if word == "file":
            name = rest
        elif word == "link":
            path, target = rest.split(" ")
            os.symlink(target, place(path))
        elif word == "node":
            open(place(rest), "w").close()
        elif word == "socket":
            socket.socket(socket.AF_UNIX).bind(place(rest))
        elif word == "hex":
            path, digits = rest.split(" ")
            with open(place(path), "wb") as f:
                f.write(bytes.fromhex(digits))
        elif word == "deny":
            os.chmod(place(rest), 0)
        elif word == "env":
            print(rest)
        elif word != "cuda":
            sys.exit(f"{machine}: '{word}' is no word of this format")


main(*sys.argv[1:])
