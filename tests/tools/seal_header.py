"""seal_header.py FILE: makes the checksum of a changed header right again (docs/inside/format.md), in place.

The header is the file's first 16,384 bytes. Its last 32 are digits 0 and 1, chosen so that `cksum` of all of it is 0.
"""
import sys

SIZE, DIGITS = 16384, 32
TABLE = []
for byte in range(256):
    register = byte << 24
    for _ in range(8):
        register = register << 1 ^ (0x104C11DB7 if register & 0x80000000 else 0)
    TABLE.append(register & 0xFFFFFFFF)


def cksum(data):
    register = 0
    for byte in data + len(data).to_bytes(2, "little"):
        register = (register << 8 & 0xFFFFFFFF) ^ TABLE[register >> 24 ^ byte]
    return register ^ 0xFFFFFFFF


def seal(header):
    """Each digit flips bits of the sum independently of the others: 32 equations with 32 unknowns."""
    text = header[:SIZE - DIGITS]
    base = cksum(text + b"0" * DIGITS)
    rows = []  # (what it flips, which digits)
    for i in range(DIGITS):
        flips = cksum(text + b"0" * i + b"1" + b"0" * (DIGITS - 1 - i)) ^ base
        digits = 1 << i
        for other, theirs in rows:
            if flips ^ other < flips:
                flips, digits = flips ^ other, digits ^ theirs
        rows.append((flips, digits))
        rows.sort(reverse=True)
    chosen = 0
    for flips, digits in rows:
        if base ^ flips < base:
            base, chosen = base ^ flips, chosen ^ digits
    assert base == 0, "the digits cannot make it 0"
    return text + bytes(49 if chosen >> i & 1 else 48 for i in range(DIGITS))


if __name__ == "__main__":
    with open(sys.argv[1], "r+b") as file:
        header = file.read(SIZE)
        file.seek(0)
        file.write(seal(header))
