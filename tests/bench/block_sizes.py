#!/usr/bin/env python3
"""Measures what larger blocks save at --level max. Packs the files of an installed tree as the packer does (classes apart,
small files together, large ones alone, blocks of N MiB, a frame each), and compares with one long stream.

    tests/bench/block_sizes.py TREE [--level 19] [--sizes 4,8,16] [--share 100] [--jobs 2]

--share takes every n-th file, so that about this percentage of the bytes remains: level 19 needs a minute for 100 MB.
Needs the module zstandard (scripts/test-venv has it).
"""
import argparse, concurrent.futures, os, pathlib, sys, time
import zstandard

MIB = 1 << 20
LARGE = MIB  # common/format/table.hpp: large_content_size


def file_class(path, head):
    if head[:4] == b"\x7fELF":
        return "elf"
    if path.suffix == ".pyc":
        return "bytecode"
    if head[:2] in (b"PK", b"\x1f\x8b") or head[:4] in (b"\x89PNG", b"\xfd7zX", b"\x28\xb5\x2f\xfd") or path.suffix in (".jpg", ".woff2"):
        return "compressed"
    return "text"


def collect(tree, share):
    files = sorted(p for p in pathlib.Path(tree).rglob("*") if p.is_file() and not p.is_symlink() and ".tinderbox" not in p.parts)
    total = sum(p.stat().st_size for p in files)
    picked, seen, taken = [], 0, 0
    for path in files:
        size = path.stat().st_size
        seen += size
        if taken <= seen * share / 100 - size / 2:
            picked.append(path)
            taken += size
    print(f"{len(picked)} of {len(files)} files, {taken:,} of {total:,} bytes")
    return picked


def blocks(files, size):
    """The raw blocks, cut as the packer cuts them."""
    small = {}
    for path in files:
        data = path.read_bytes()
        kind = file_class(path, data[:8])
        if len(data) >= LARGE:
            for at in range(0, len(data), size):
                yield data[at:at + size]
            continue
        open_block = small.setdefault(kind, bytearray())
        if len(open_block) + len(data) > size:
            yield bytes(open_block)
            open_block.clear()
        open_block += data
    for block in small.values():
        if block:
            yield bytes(block)


def packed_size(block, level):
    parameters = zstandard.ZstdCompressionParameters.from_level(level, source_size=len(block), window_log=max(10, (len(block) - 1).bit_length()))
    return min(len(block), len(zstandard.ZstdCompressor(compression_params=parameters).compress(block)))


def stream_size(files, level):
    parameters = zstandard.ZstdCompressionParameters.from_level(level, window_log=27, enable_ldm=True)
    total = 0
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    for path in files:
        data = path.read_bytes()
        # tar adds a header, and zeros up to the next multiple of 512.
        total += len(compressor.compress(str(path).encode().ljust(512, b"\0") + data + b"\0" * (-len(data) % 512)))
    return total + len(compressor.flush())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree")
    parser.add_argument("--level", type=int, default=19)
    parser.add_argument("--sizes", default="4,8,16")
    parser.add_argument("--share", type=float, default=100)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    files = collect(options.tree, options.share)
    start = time.process_time()
    whole = stream_size(files, options.level)
    print(f"| | bytes | of the stream |\n|---|---|---|\n| one stream, level {options.level}, --long=27 | {whole:,} | 1.000 × |", flush=True)
    for mib in map(int, options.sizes.split(",")):
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            pending, total = [], 0
            for block in blocks(files, mib * MIB):
                pending.append(pool.submit(packed_size, block, options.level))
                if len(pending) > 2 * options.jobs:
                    total += pending.pop(0).result()
            total += sum(p.result() for p in pending)
        print(f"| blocks of {mib} MiB | {total:,} | {total / whole:.3f} × |", flush=True)
    print(f"CPU: {time.process_time() - start:.0f} s", file=sys.stderr)


main()
