"""A conda channel on loopback, in every form of a channel, and with faults.

    conda_server.py DIRECTORY LOG

DIRECTORY is a channel (SUBDIR/repodata.json and packages). Prints the port; LOG gets a line for each request. The first
component of a path chooses the behaviour:

    /plain     repodata.json alone, with ETag           /zst       repodata.json.zst alone (403 for what it lacks)
    /gzip      repodata.json, Content-Encoding: gzip    /shards    CEP 16, made from repodata.json
    /current   current_repodata.json alone              /loop      redirects to itself
    /html      a login page with status 200             /secret    asks for user:canary
    /cut       half of repodata.json, then the end      /junk      zstd magic, then noise
    /lies      packages with one byte changed           /evil      a shard index whose shard has another hash
    /less      sizes one smaller than the packages are  /more      sizes one larger
    /endless   a shard index without an end             /huge      a repodata.json with an announced size of 5 GiB
    /cutzst    half of repodata.json.zst                /ping      redirects to /pong, which redirects back
    /blanks    1 GiB of blanks in repodata.json.zst     /entry     1 GiB of one package's name in it
    /shardbomb 1 GiB of zeros in the shard index        /oddshards a shard index with texts for hashes
    /null /list /text /number                           repodata.json of that type alone
    /packages-list /package-number                      a list of packages; packages that are numbers

Ends when standard input closes.
"""
import base64, gzip, hashlib, http.server, json, os, struct, sys, threading, time

import zstandard

root, log_path = sys.argv[1:3]


def pack(value):
    """Encodes MessagePack, as far as shards need it."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">BQ", 0xCF, value)
    if isinstance(value, str):
        data = value.encode()
        return struct.pack(">BI", 0xDB, len(data)) + data
    if isinstance(value, bytes):
        return struct.pack(">BI", 0xC6, len(value)) + value
    if isinstance(value, list):
        return struct.pack(">BI", 0xDD, len(value)) + b"".join(pack(v) for v in value)
    return struct.pack(">BI", 0xDF, len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())


def read(subdir, name="repodata.json"):
    path = os.path.join(root, subdir, name)
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as f:
        return f.read()


def shards_of(subdir):
    """(index, {hex: shard})"""
    data = json.loads(read(subdir) or b"{}")
    by_name = {}
    for section in ("packages", "packages.conda"):
        for fn, row in data.get(section, {}).items():
            row = {k: v for k, v in row.items() if isinstance(v, (str, int, list))}
            for key in ("sha256", "md5"):
                if key in row:
                    row[key] = bytes.fromhex(row[key])
            by_name.setdefault(row["name"], {"packages": {}, "packages.conda": {}})[section][fn] = row
    shards, table = {}, {}
    for name, shard in by_name.items():
        packed = zstandard.ZstdCompressor().compress(pack(shard))
        digest = hashlib.sha256(packed)
        shards[digest.hexdigest()] = packed
        table[name] = digest.digest()
    index = {"info": {"subdir": subdir, "base_url": "./", "shards_base_url": "./shards/"}, "shards": table}
    return zstandard.ZstdCompressor().compress(pack(index)), shards


def bomb(before, filling):
    """A gigabyte of `filling` in a few hundred kilobytes of zstd."""
    compressor = zstandard.ZstdCompressor().compressobj()
    out = [compressor.compress(before)]
    out += [compressor.compress(filling * (1 << 20)) for _ in range(1024)]
    return b"".join(out) + compressor.flush()


ODD = {"null": b"null", "list": b"[]", "text": b'"packages"', "number": b"7 ", "packages-list": b'{"packages":[]}',
       "package-number": b'{"packages":{"a-1-0.conda":7}}'}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body=b"", headers=()):
        with open(log_path, "a") as f:
            f.write(f"{self.path} {status}\n")
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        mood, subdir, name = parts[0], parts[1] if len(parts) > 1 else "", "/".join(parts[2:])
        if mood == "loop":
            return self.reply(302, headers=[("Location", self.path)])
        if mood in ("ping", "pong"):
            return self.reply(302, headers=[("Location", "/" + ("pong" if mood == "ping" else "ping") + self.path[5:])])
        if mood == "endless" and name == "repodata_shards.msgpack.zst":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            try:
                while True:
                    self.wfile.write(bytes(1 << 20))
            except OSError:  # the client has closed the connection
                return
        if mood == "huge" and name == "repodata.json":
            self.send_response(200)
            self.send_header("Content-Length", str(5 << 30))
            self.end_headers()
            self.wfile.write(b'{"packages":{')
            self.close_connection = True
            return
        if mood in ODD and name == "repodata.json":
            return self.reply(200, ODD[mood])
        if mood in ("blanks", "entry") and name == "repodata.json.zst":
            return self.reply(200, bomb(b"{", b" ") if mood == "blanks" else bomb(b'{"packages":{"a-1-0.conda":{"name":"', b"a"))
        if mood == "shardbomb" and name == "repodata_shards.msgpack.zst":
            return self.reply(200, bomb(b"", b"\0"))
        if mood == "oddshards" and name == "repodata_shards.msgpack.zst":
            return self.reply(200, zstandard.ZstdCompressor().compress(pack({"info": {}, "shards": {"odd": "0" * 64}})))
        if mood == "html":
            return self.reply(200, b"<!DOCTYPE html><html>Please log in</html>", [("Content-Type", "text/html")])
        if mood == "secret":
            wanted = "Basic " + base64.b64encode(b"user:canary").decode()
            if self.headers.get("Authorization") != wanted:
                return self.reply(401, headers=[("WWW-Authenticate", "Basic")])
            mood = "plain"
        if name.endswith((".conda", ".tar.bz2")):
            body = read(subdir, name)
            if body is not None and mood == "lies":
                body = body[:-1] + bytes([body[-1] ^ 1])
            return self.reply(404) if body is None else self.reply(200, body)
        body = read(subdir)
        if body is None:
            return self.reply(404)
        if name == "repodata.json" and mood in ("less", "more"):
            data = json.loads(body)
            for section in ("packages", "packages.conda"):
                for row in data.get(section, {}).values():
                    row["size"] += 1 if mood == "more" else -1
            return self.reply(200, json.dumps(data).encode())
        if name == "repodata.json.zst" and mood == "cutzst":
            packed = zstandard.ZstdCompressor().compress(body)
            return self.reply(200, packed[: len(packed) // 2])
        if name == "repodata.json" and mood in ("plain", "lies"):
            tag = '"' + hashlib.md5(body).hexdigest() + '"'
            if self.headers.get("If-None-Match") == tag:
                return self.reply(304, headers=[("ETag", tag)])
            return self.reply(200, body, [("ETag", tag)])
        if name == "repodata.json" and mood == "gzip":
            return self.reply(200, gzip.compress(body), [("Content-Encoding", "gzip")])
        if name == "repodata.json" and mood == "cut":
            return self.reply(200, body[: len(body) // 2])
        if name == "repodata.json.zst" and mood == "junk":
            return self.reply(200, b"\x28\xb5\x2f\xfd" + b"noise" * 100)
        if mood == "zst":
            return self.reply(200, zstandard.ZstdCompressor().compress(body)) if name == "repodata.json.zst" else self.reply(403)
        if name == "current_repodata.json" and mood == "current":
            return self.reply(200, body)
        if mood in ("shards", "evil"):
            index, shards = shards_of(subdir)
            if name == "repodata_shards.msgpack.zst":
                return self.reply(200, index)
            digest = name.removeprefix("shards/").split(".")[0]
            if digest in shards:
                return self.reply(200, shards[digest] + (b"x" if mood == "evil" else b""))
        return self.reply(404)

    do_HEAD = do_GET


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
