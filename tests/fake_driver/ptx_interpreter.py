#!/usr/bin/env python3
"""Runs runtime/cuda_probe/kernels.ptx on the CPU, a thread at a time, and compares with the same arithmetic in
Python. ptxas only checks the kernels' grammar; this checks what they compute, on machines without a GPU.

Knows exactly the instructions the kernels use and stops at any other. Threads of a block run in turns from one
bar.sync to the next, in an order that is shuffled, so that a missing barrier shows as a wrong sum.
"""
import random
import re
import struct
import sys
from fractions import Fraction


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


def parse(path):
    """{entry: (parameters, labels, instructions)}"""
    text = re.sub(r"//[^\n]*", "", open(path, encoding="utf-8").read())
    assert ".version 6.0" in text and ".target sm_35" in text
    kernels = {}
    for name, head, body in re.findall(r"\.visible \.entry (\w+)\((.*?)\)\s*\{(.*?)\n\}", text, re.S):
        parameters = re.findall(r"\.param (\.\w+) (\w+)", head)
        labels, program = {}, []
        for statement in re.split(r"[;\n]", re.sub(r"^(\w+):", r"\1:;", body, flags=re.M)):
            statement = statement.strip()
            if statement.endswith(":"):
                labels[statement[:-1]] = len(program)
            elif statement and not statement.startswith((".reg", ".shared")):
                guard, _, rest = statement.partition(" ") if statement.startswith("@") else ("", "", statement)
                operation, _, operands = rest.strip().partition(" ")
                program.append((guard[1:], operation, [o.strip() for o in operands.split(",") if o.strip()]))
        kernels[name] = (parameters, labels, program)
    return kernels


class Thread:
    def __init__(self, kernel, arguments, memory, shared, tid, block, width):
        self.parameters, self.labels, self.program = kernel
        self.arguments = dict(zip((n for _, n in self.parameters), arguments))
        self.memory, self.shared = memory, shared
        self.registers = {"%tid.x": tid, "%ctaid.x": block, "%ntid.x": width, "partial": 0}
        self.position = 0

    def value(self, operand):
        return self.registers[operand] if operand in self.registers else int(operand)

    def address(self, operand):
        base, _, offset = operand.strip("[]").partition("+")
        address = self.registers[base] + int(offset or 0)
        assert address % 4 == 0
        return address

    def run(self):
        """Until the next barrier (True) or the end (False)."""
        while True:
            guard, operation, o = self.program[self.position]
            self.position += 1
            if guard and not self.registers[guard]:
                continue
            if operation == "ret":
                return False
            if operation == "bar.sync":
                return True
            if operation == "bra":
                self.position = self.labels[o[0]]
            else:
                self.execute(operation, o)

    def execute(self, operation, o):
        r, v = self.registers, self.value
        low = 0xFFFFFFFF
        if operation.startswith("ld.param"):
            r[o[0]] = self.arguments[o[1].strip("[]")]
        elif operation in ("ld.global.f32", "ld.global.u32"):
            r[o[0]] = self.memory[self.address(o[1])]
        elif operation == "st.global.f32":
            self.memory[self.address(o[0])] = v(o[1])
        elif operation == "red.global.add.u32":
            self.memory[self.address(o[0])] = (self.memory[self.address(o[0])] + v(o[1])) & low
        elif operation == "ld.shared.u32":
            r[o[0]] = self.shared[self.address(o[1])]
        elif operation == "st.shared.u32":
            self.shared[self.address(o[0])] = v(o[1])
        elif operation == "mov.u32":
            r[o[0]] = v(o[1])
        elif operation == "mad.lo.u32":
            r[o[0]] = (v(o[1]) * v(o[2]) + v(o[3])) & low
        elif operation == "mul.lo.u32":
            r[o[0]] = (v(o[1]) * v(o[2])) & low
        elif operation == "mul.wide.u32":
            r[o[0]] = v(o[1]) * v(o[2])
        elif operation == "add.u64":
            r[o[0]] = v(o[1]) + v(o[2])
        elif operation == "add.u32":
            r[o[0]] = (v(o[1]) + v(o[2])) & low
        elif operation == "shr.u32":
            r[o[0]] = v(o[1]) >> v(o[2])
        elif operation == "shl.b32":
            r[o[0]] = (v(o[1]) << v(o[2])) & low
        elif operation == "xor.b32":
            r[o[0]] = v(o[1]) ^ v(o[2])
        elif operation == "and.b32":
            r[o[0]] = v(o[1]) & v(o[2])
        elif operation == "setp.ge.u32":
            r[o[0]] = v(o[1]) >= v(o[2])
        elif operation == "setp.ne.u32":
            r[o[0]] = v(o[1]) != v(o[2])
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


def launch(kernel, arguments, memory, threads, width=256):
    for block in range((threads + width - 1) // width):
        shared = {}
        team = [Thread(kernel, arguments, memory, shared, t, block, width) for t in range(width)]
        while team:
            random.shuffle(team)
            team = [t for t in team if t.run()]


def mix(v):
    v ^= v >> 16
    v = v * 0x7FEB352D & 0xFFFFFFFF
    v ^= v >> 15
    v = v * 0x846CA68B & 0xFFFFFFFF
    return v ^ v >> 16


def main():
    random.seed(3)
    kernels = parse(sys.argv[1])
    n = 700  # two full blocks and one that is partly outside
    x_at, y_at, out_at = 0x100000000, 0x200000000, 0x300000000  # above 4 GiB: 64-bit addresses
    xs = [1 + random.getrandbits(23) * 2.0**-23 for _ in range(n)]
    ys = [random.choice((-1, 1)) * (1 + random.getrandbits(23) * 2.0**-23) for _ in range(n)]
    a = 1 + 1969287 * 2.0**-23
    inputs = {x_at + 4 * i: to_bits(x) for i, x in enumerate(xs)}
    inputs.update({y_at + 4 * i: to_bits(y) for i, y in enumerate(ys)})

    results = {}
    for name in ("tb_saxpy", "tb_fma"):
        memory = dict(inputs)
        launch(kernels[name], [x_at, y_at, out_at, to_bits(a), n], memory, n)
        results[name] = [memory[out_at + 4 * i] for i in range(n)]
        assert len(memory) == 3 * n, f"{name} wrote outside its output"
    twice = [to_bits(round_f32(Fraction(round_f32(Fraction(a) * Fraction(x))) + Fraction(y))) for x, y in zip(xs, ys)]
    once = [to_bits(round_f32(Fraction(a) * Fraction(x) + Fraction(y))) for x, y in zip(xs, ys)]
    assert results["tb_saxpy"] == twice, "tb_saxpy is wrong"
    assert results["tb_fma"] == once, "tb_fma is wrong"
    different = sum(s != f for s, f in zip(twice, once))
    assert different > n // 4, "the inputs do not tell one rounding from two"
    # What lets workload.c compute the fused result as one rounding of a double:
    assert all(Fraction(a * x + y) == Fraction(a) * Fraction(x) + Fraction(y) for x, y in zip(xs, ys))

    memory = dict(inputs)
    memory.update({out_at + 4 * i: 0 for i in range(257)})
    launch(kernels["tb_reduce"], [x_at, out_at, n], memory, n)
    mixed = [mix(to_bits(x)) for x in xs]
    wanted = [sum(mixed) & 0xFFFFFFFF] + [sum(v & 255 == b for v in mixed) for b in range(256)]
    assert [memory[out_at + 4 * i] for i in range(257)] == wanted, "tb_reduce is wrong"
    print(f"kernels.ptx computes what it should ({n} threads; fma differs from saxpy in {different})")


main()
