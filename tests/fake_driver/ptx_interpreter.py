#!/usr/bin/env python3
"""Runs runtime/cuda_probe/kernels.ptx on the CPU, a thread at a time, and compares with the same arithmetic in
Python. ptxas only checks the grammar of the kernels; this program checks their results on machines without a GPU.

It knows only the instructions that the kernels use, and stops at any other. Threads of a block run in turns from one
bar.sync to the next, in a shuffled order, so that a missing barrier gives a wrong sum. Reading memory before a write
is an error, and every word that a kernel writes is counted.
"""
import random
import re
import struct
import sys
from fractions import Fraction

LOW32, LOW64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


def to_bits(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def from_bits(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def round_f32(exact):
    """A Fraction rounded once to float32, ties to even (normal numbers and zero only)."""
    if exact == 0:
        return 0.0
    sign, magnitude = (-1, -exact) if exact < 0 else (1, exact)
    exponent = 0
    while magnitude >= 2:
        magnitude /= 2
        exponent += 1
    while magnitude < 1:
        magnitude *= 2
        exponent -= 1
    assert exponent > -126, "denormal"
    scaled = magnitude * 2**23
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1):
        whole += 1
    return sign * float(whole) * 2.0 ** (exponent - 23)


class Kernel:
    """A kernel: its parameters, labels, instructions, and the offsets of its arrays in shared memory."""

    def __init__(self, head, body):
        self.parameters = [name for _, name in re.findall(r"\.param (\.\w+) (\w+)", head)]
        self.labels, self.program, self.shared = {}, [], {}
        self.shared_bytes = 0
        for statement in re.split(r"[;\n]", re.sub(r"^(\w+):", r"\1:;", body, flags=re.M)):
            statement = statement.strip()
            if statement.endswith(":"):
                self.labels[statement[:-1]] = len(self.program)
            elif statement.startswith(".shared"):
                name, count = re.fullmatch(r"\.shared \.align 4 \.b32 (\w+)\[(\d+)\]", statement).groups()
                self.shared[name] = self.shared_bytes
                self.shared_bytes += 4 * int(count)
            elif statement and not statement.startswith(".reg"):
                guard, _, rest = statement.partition(" ") if statement.startswith("@") else ("", "", statement)
                operation, _, operands = rest.strip().partition(" ")
                self.program.append((guard[1:], operation, [o.strip() for o in operands.split(",") if o.strip()]))


def parse(path):
    """{entry: Kernel}"""
    text = re.sub(r"//[^\n]*", "", open(path, encoding="utf-8").read())
    assert ".version 6.0" in text and ".target sm_35" in text
    return {name: Kernel(head, body)
            for name, head, body in re.findall(r"\.visible \.entry (\w+)\((.*?)\)\s*\{(.*?)\n\}", text, re.S)}


class Thread:
    def __init__(self, kernel, arguments, memory, shared, special):
        self.kernel = kernel
        self.arguments = dict(zip(kernel.parameters, arguments))
        assert len(arguments) == len(kernel.parameters)
        self.memory, self.shared = memory, shared
        self.registers = {**special, **kernel.shared}
        self.position = 0

    def value(self, operand):
        if operand in self.registers:
            return self.registers[operand]
        if operand.startswith("0f"):
            return int(operand[2:], 16)
        return int(operand)

    def address(self, operand, width, limit=None):
        base, _, offset = operand.strip("[]").partition("+")
        address = self.registers[base] + int(offset or 0)
        assert address % width == 0, "an address that is not aligned"
        assert limit is None or 0 <= address < limit, "an address outside of shared memory"
        return address

    def run(self):
        """Runs until the next barrier (returns True) or the end (False)."""
        while True:
            guard, operation, o = self.kernel.program[self.position]
            self.position += 1
            if guard and not self.registers[guard]:
                continue
            if operation == "ret":
                return False
            if operation == "bar.sync":
                return True
            if operation == "bra":
                self.position = self.kernel.labels[o[0]]
            else:
                self.execute(operation, o)

    def execute(self, operation, o):
        r, v, memory = self.registers, self.value, self.memory
        if operation.startswith("ld.param"):
            r[o[0]] = self.arguments[o[1].strip("[]")]
        elif operation in ("ld.global.f32", "ld.global.u32", "ld.volatile.global.u32"):
            r[o[0]] = memory[self.address(o[1], 4)]
        elif operation in ("st.global.f32", "st.global.u32"):
            memory[self.address(o[0], 4)] = v(o[1])
        elif operation == "red.global.add.u32":
            memory[self.address(o[0], 4)] = (memory[self.address(o[0], 4)] + v(o[1])) & LOW32
        elif operation == "red.global.add.u64":
            memory[self.address(o[0], 8)] = (memory[self.address(o[0], 8)] + v(o[1])) & LOW64
        elif operation == "red.global.min.u64":
            memory[self.address(o[0], 8)] = min(memory[self.address(o[0], 8)], v(o[1]))
        elif operation in ("ld.shared.u32", "ld.shared.f32"):
            r[o[0]] = self.shared[self.address(o[1], 4, self.kernel.shared_bytes)]
        elif operation in ("st.shared.u32", "st.shared.f32"):
            self.shared[self.address(o[0], 4, self.kernel.shared_bytes)] = v(o[1])
        elif operation in ("mov.u32", "mov.f32"):
            r[o[0]] = v(o[1])
        elif operation == "mad.lo.u32":
            r[o[0]] = (v(o[1]) * v(o[2]) + v(o[3])) & LOW32
        elif operation == "mul.lo.u32":
            r[o[0]] = (v(o[1]) * v(o[2])) & LOW32
        elif operation == "mul.wide.u32":
            r[o[0]] = v(o[1]) * v(o[2])
        elif operation == "add.u64":
            r[o[0]] = (v(o[1]) + v(o[2])) & LOW64
        elif operation == "add.u32":
            r[o[0]] = (v(o[1]) + v(o[2])) & LOW32
        elif operation == "sub.u32":
            r[o[0]] = (v(o[1]) - v(o[2])) & LOW32
        elif operation in ("shr.u32", "shr.u64"):
            r[o[0]] = v(o[1]) >> v(o[2])
        elif operation == "shl.b32":
            r[o[0]] = (v(o[1]) << v(o[2])) & LOW32
        elif operation == "shl.b64":
            r[o[0]] = (v(o[1]) << v(o[2])) & LOW64
        elif operation == "xor.b32":
            r[o[0]] = v(o[1]) ^ v(o[2])
        elif operation == "and.b32":
            r[o[0]] = v(o[1]) & v(o[2])
        elif operation == "cvt.u64.u32":
            r[o[0]] = v(o[1])
        elif operation == "cvt.u32.u64":
            r[o[0]] = v(o[1]) & LOW32
        elif operation in ("setp.ge.u32", "setp.ge.u64"):
            r[o[0]] = v(o[1]) >= v(o[2])
        elif operation == "setp.lt.u32":
            r[o[0]] = v(o[1]) < v(o[2])
        elif operation == "setp.ne.u32":
            r[o[0]] = v(o[1]) != v(o[2])
        elif operation == "setp.eq.u32":
            r[o[0]] = v(o[1]) == v(o[2])
        elif operation == "mul.rn.f32":
            r[o[0]] = self.rounded(Fraction(self.real(o[1])) * Fraction(self.real(o[2])))
        elif operation == "add.rn.f32":
            r[o[0]] = self.rounded(Fraction(self.real(o[1])) + Fraction(self.real(o[2])))
        elif operation == "fma.rn.f32":
            product = Fraction(self.real(o[1])) * Fraction(self.real(o[2]))
            r[o[0]] = self.rounded(product + Fraction(self.real(o[3])))
        else:
            raise SystemExit(f"ptx_interpreter: unknown instruction {operation}")

    def real(self, operand):
        return from_bits(self.registers[operand])

    @staticmethod
    def rounded(exact):
        return to_bits(round_f32(exact))


def launch(kernel, arguments, memory, grid=(1, 1), block=(256, 1)):
    for by in range(grid[1]):
        for bx in range(grid[0]):
            shared = {}
            team = [Thread(kernel, arguments, memory, shared,
                           {"%tid.x": x, "%tid.y": y, "%ctaid.x": bx, "%ctaid.y": by, "%ntid.x": block[0],
                            "%ntid.y": block[1], "%nctaid.x": grid[0]})
                    for y in range(block[1]) for x in range(block[0])]
            while team:
                random.shuffle(team)
                team = [t for t in team if t.run()]


def mix(v):
    v ^= v >> 16
    v = v * 0x7FEB352D & LOW32
    v ^= v >> 15
    v = v * 0x846CA68B & LOW32
    return v ^ v >> 16


A, B, OUT, RESULT = 0x100000000, 0x200000000, 0x300000000, 0x400000000  # above 4 GiB: 64-bit addresses


def check_vectors(kernels):
    n = 700  # two full blocks and one that is partly outside
    xs = [1 + random.getrandbits(23) * 2.0**-23 for _ in range(n)]
    ys = [random.choice((-1, 1)) * (1 + random.getrandbits(23) * 2.0**-23) for _ in range(n)]
    a = 1 + 1969287 * 2.0**-23
    inputs = {A + 4 * i: to_bits(x) for i, x in enumerate(xs)}
    inputs.update({B + 4 * i: to_bits(y) for i, y in enumerate(ys)})

    results = {}
    for name in ("tb_saxpy", "tb_fma"):
        memory = dict(inputs)
        launch(kernels[name], [A, B, OUT, to_bits(a), n], memory, grid=(3, 1))
        results[name] = [memory[OUT + 4 * i] for i in range(n)]
        assert len(memory) == 3 * n, f"{name} wrote outside its output"
    twice = [to_bits(round_f32(Fraction(round_f32(Fraction(a) * Fraction(x))) + Fraction(y))) for x, y in zip(xs, ys)]
    once = [to_bits(round_f32(Fraction(a) * Fraction(x) + Fraction(y))) for x, y in zip(xs, ys)]
    assert results["tb_saxpy"] == twice, "tb_saxpy is wrong"
    assert results["tb_fma"] == once, "tb_fma is wrong"
    different = sum(s != f for s, f in zip(twice, once))
    assert different > n // 4, "the inputs do not tell one rounding from two"
    # workload.c relies on this: the fused result is one rounding of a double.
    assert all(Fraction(a * x + y) == Fraction(a) * Fraction(x) + Fraction(y) for x, y in zip(xs, ys))

    memory = dict(inputs)
    memory.update({OUT + 4 * i: 0 for i in range(257)})
    launch(kernels["tb_reduce"], [A, OUT, n], memory, grid=(3, 1))
    mixed = [mix(to_bits(x)) for x in xs]
    wanted = [sum(mixed) & LOW32] + [sum(v & 255 == b for v in mixed) for b in range(256)]
    assert [memory[OUT + 4 * i] for i in range(257)] == wanted, "tb_reduce is wrong"
    print(f"ok       saxpy, fma, reduce: {n} threads; fma differs from saxpy in {different}")


def check_matmul(kernels):
    rows, cols, inner = 19, 35, 37  # no multiples of 16, all different, and more than two tiles
    def entry():
        return random.choice((-1, 1)) * (1 + random.getrandbits(11) * 2.0**-11)
    a = [[entry() for _ in range(inner)] for _ in range(rows)]
    b = [[entry() for _ in range(cols)] for _ in range(inner)]
    memory = {A + 4 * (r * inner + k): to_bits(a[r][k]) for r in range(rows) for k in range(inner)}
    memory.update({B + 4 * (k * cols + c): to_bits(b[k][c]) for k in range(inner) for c in range(cols)})
    before = len(memory)
    launch(kernels["tb_matmul"], [A, B, OUT, rows, cols, inner], memory, grid=(3, 2), block=(16, 16))
    assert len(memory) == before + rows * cols, "tb_matmul wrote outside its output"
    rounded = 0
    for r in range(rows):
        for c in range(cols):
            total = 0.0
            for k in range(inner):
                exact = Fraction(total) + Fraction(a[r][k]) * Fraction(b[k][c])
                # workload.c relies on this: a fused multiply-add is one rounding of a double.
                assert Fraction(total + a[r][k] * b[k][c]) == exact
                total = round_f32(exact)
                rounded += Fraction(total) != exact
            assert memory[OUT + 4 * (r * cols + c)] == to_bits(total), f"tb_matmul is wrong at {r}, {c}"
    assert rounded > rows * cols, "the inputs never need a rounding"
    print(f"ok       matmul: {rows} x {inner} x {cols}; {rounded} of {rows * cols * inner} additions round")


def check_memory(kernels):
    count, seed = 1500, 0x7F4A7C15
    for first in (0, 0xFFFFFFFF - 700):  # the second crosses 2^32
        for invert in (0, LOW32):
            memory = {}
            # Fewer threads than words, so that each thread takes several.
            launch(kernels["tb_fill"], [OUT, count, first, seed, invert], memory, grid=(2, 1))
            wanted = [mix((first + i & LOW32) ^ seed) ^ (first + i) >> 32 ^ invert for i in range(count)]
            assert memory == {OUT + 4 * i: w for i, w in enumerate(wanted)}, "tb_fill is wrong"
            check = [OUT, count, first, seed, invert, RESULT]
            memory.update({RESULT: 0, RESULT + 8: LOW64})
            launch(kernels["tb_check"], check, memory, grid=(2, 1))
            assert (memory[RESULT], memory[RESULT + 8]) == (0, LOW64), "tb_check finds what is not there"
            for i in (1499, 3, 700):
                memory[OUT + 4 * i] ^= 1 << random.randrange(32)
            launch(kernels["tb_check"], check, memory, grid=(2, 1))
            assert (memory[RESULT], memory[RESULT + 8]) == (3, first + 3), "tb_check does not find what is there"
            assert len(memory) == count + 2, "tb_check wrote outside its result"
    print(f"ok       fill, check: {count} words")


def main():
    random.seed(3)
    kernels = parse(sys.argv[1])
    checks = {("tb_saxpy", "tb_fma", "tb_reduce"): check_vectors, ("tb_matmul",): check_matmul,
              ("tb_fill", "tb_check"): check_memory}
    unchecked = set(kernels) - {name for names in checks for name in names}
    assert not unchecked, f"kernels that nothing here runs: {unchecked}"
    for check in checks.values():
        check(kernels)


main()
