"""A NAME.run as Python objects, to be changed and written again with every hash made right: what a hostile maker could hand out.

    from edit_run import Run
    run = Run("a.run"); run.manifest["env_name"] = "../x"; run.table["destinations"][0]["mode"] = 0o777; run.write("b.run")

Needs the module zstandard. docs/inside/format.md has the bytes.
"""
import hashlib, json, struct, zstandard

from seal_header import seal

ALIGN, SLOT, FOOTER = 4096, 512, 128
KINDS_WITH_TEXT, KINDS_WITH_TARGET = (1, 2), (3, 4, 5)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self):
        value = shift = 0
        while True:
            byte = self.bytes(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self):
        return self.bytes(self.number())


def number(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def text(value):
    return number(len(value)) + value


def decode_table(data):
    r = Reader(data)
    table = {"version": struct.unpack("<I", r.bytes(4))[0], "blocks": [], "contents": [], "destinations": []}
    for _ in range(r.number()):
        table["blocks"].append({"offset": r.number(), "packed": r.number(), "raw": r.number(), "stored": r.bytes(1)[0], "sha256": r.bytes(32)})
    for _ in range(r.number()):
        content = {"block": r.number(), "offset": r.number(), "size": r.number(), "sha256": r.bytes(32), "relocs": []}
        for _ in range(r.number()):
            kind = r.bytes(1)[0]
            content["relocs"].append([kind, r.number(), r.number(), r.text() if kind in KINDS_WITH_TEXT else b"",
                                      r.number() if kind in KINDS_WITH_TARGET else 0])
        table["contents"].append(content)
    path = b""
    for _ in range(r.number()):
        d = {"root": r.bytes(1)[0], "kind": r.bytes(1)[0], "flags": r.bytes(1)[0], "mode": r.number(), "mtime": r.number()}
        path = path[:r.number()] + r.text()
        d |= {"path": path, "link": r.text() if d["kind"] == 2 else b"", "content": r.number() if d["kind"] == 0 else 0, "package": r.number()}
        table["destinations"].append(d)
    return table


def encode_table(table):
    out = struct.pack("<I", table["version"]) + number(len(table["blocks"]))
    for b in table["blocks"]:
        out += number(b["offset"]) + number(b["packed"]) + number(b["raw"]) + bytes([b["stored"]]) + b["sha256"]
    out += number(len(table["contents"]))
    for c in table["contents"]:
        out += number(c["block"]) + number(c["offset"]) + number(c["size"]) + c["sha256"] + number(len(c["relocs"]))
        for kind, gap, length, with_text, target in c["relocs"]:
            out += bytes([kind]) + number(gap) + number(length)
            out += text(with_text) if kind in KINDS_WITH_TEXT else number(target) if kind in KINDS_WITH_TARGET else b""
    out += number(len(table["destinations"]))
    for d in table["destinations"]:
        out += bytes([d["root"], d["kind"], d["flags"]]) + number(d["mode"]) + number(d["mtime"]) + number(0) + text(d["path"])
        out += text(d["link"]) if d["kind"] == 2 else number(d["content"]) if d["kind"] == 0 else b""
        out += number(d["package"])
    return out


class Run:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        offset, size = struct.unpack_from("<QQ", self.data, len(self.data) - FOOTER + 24)
        self.manifest = json.loads(self.data[offset:offset + size])
        self.parts = [(s["name"], self.data[s["offset"]:s["offset"] + s["size"]]) for s in self.manifest["sections"]]
        self.table = decode_table(zstandard.ZstdDecompressor().decompress(self.part("table")))
        self.first_block = self.offset("blocks")

    def part(self, name):
        return dict(self.parts)[name]

    def offset(self, name):
        return next(s["offset"] for s in self.manifest["sections"] if s["name"] == name)

    def replace(self, name, data):
        self.parts = [(n, data if n == name else d) for n, d in self.parts]

    def destination(self, path):
        return next(d for d in self.table["destinations"] if d["path"] == path.encode())

    def write(self, path):
        """Sizes depend on each other, so everything is laid out until nothing moves."""
        before, total = None, len(self.data)
        while True:
            at, sections = 0, []
            for name, data in self.parts:
                if name == "padding":
                    data = bytes(-at % ALIGN)
                if name == "blocks":
                    for block in self.table["blocks"]:
                        block["offset"] += at - self.first_block
                    self.first_block = at
                if name == "header":
                    where = data.index(b"\ntotal_size=") + 12
                    data = seal(data[:where] + b"%020d" % total + data[where + 20:])
                sections.append((name, at, data))
                at += len(data)
            total = at
            self.replace("header", sections[0][2])
            self.replace("table", zstandard.ZstdCompressor(write_content_size=True).compress(encode_table(self.table)))
            hashed = {s["name"] for s in self.manifest["sections"] if "sha256" in s}
            self.manifest["sections"] = [{"name": n, "offset": o, "size": len(d)} | ({"sha256": hashlib.sha256(self.part(n)).hexdigest()} if n in hashed else {})
                                         for n, o, d in sections]
            text_of = (json.dumps(self.manifest, indent=2, sort_keys=True) + "\n").encode()
            self.replace("manifest", text_of)
            manifest_offset = self.offset("manifest")
            footer = b"TNDRBOX\n" + struct.pack("<IIQQQ", 1, 0, total, manifest_offset, len(text_of)) + hashlib.sha256(text_of).digest()
            footer = footer.ljust(FOOTER - 32, b"\0")
            self.replace("footer", footer + hashlib.sha256(footer).digest())
            now = [d for n, d in self.parts if n != "padding"]
            if now == before:
                break
            before = now
        with open(path, "wb") as file:
            file.write(b"".join(d for _, _, d in sections))
