"""A package index on loopback that serves a folder of wheels (PEP 503 HTML, PEP 691 JSON) and misbehaves on request.

    simple_index.py WHEELS [USER:PASSWORD]

Prints its port. /simple/ is the index; /login/ answers every page with a login form; /broken/ answers 500 twice and then
the index; /gone/ answers 404; /loop/ redirects to itself; /bomb/ has a page that decompresses to 400 MB; /null/ and /odd/ have
JSON of another type; /liar/ has the right files with wrong hashes. With USER:PASSWORD every request needs them.
"""
import base64, hashlib, http.server, json, os, re, sys, threading, zlib

wheels = sys.argv[1]
wanted = "Basic " + base64.b64encode(sys.argv[2].encode()).decode() if len(sys.argv) > 2 else None
seen = {}
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


def normalise(name):
    return re.sub(r"[-_.]+", "-", name).lower()


projects = {}
for file in sorted(os.listdir(wheels)):
    if file.endswith(".whl"):
        with open(os.path.join(wheels, file), "rb") as f:
            projects.setdefault(normalise(file.split("-")[0]), []).append((file, hashlib.sha256(f.read()).hexdigest()))


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", kind="text/html", encoding=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if wanted and self.headers.get("Authorization") != wanted:
            return self.answer(401)
        parts = self.path.strip("/").split("/")
        if parts[0] == "files" and len(parts) == 2:
            with open(os.path.join(wheels, os.path.basename(parts[1])), "rb") as f:
                return self.answer(200, f.read(), "application/octet-stream")
        if parts[0] == "login":
            return self.answer(200, b"<!doctype html><html><body><form action='/in'><input type='password'></form></body></html>")
        if parts[0] == "broken":
            seen[self.path] = seen.get(self.path, 0) + 1
            if seen[self.path] < 3:
                return self.answer(500)
        if parts[0] == "loop":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if parts[0] in ("null", "odd"):
            body = b"null" if parts[0] == "null" else b'{"meta": {"api-version": "1.0"}, "name": 7, "files": {"a": 1}}'
            return self.answer(200, body, JSON_PAGE)
        if parts[0] == "bomb":
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            body = packer.compress(b'{"meta": {"api-version": "1.0"}, "files": [') + b"".join(packer.compress(b" " * (1 << 20)) for _ in range(400))
            return self.answer(200, body + packer.flush(), JSON_PAGE, "gzip")
        if len(parts) != 2 or parts[0] not in ("simple", "broken", "liar") or parts[1] not in projects:
            return self.answer(404)
        files = projects[parts[1]]
        if parts[0] == "liar":
            files = [(f, hashlib.sha256(h.encode()).hexdigest()) for f, h in files]
        if JSON_PAGE in self.headers.get("Accept", "") and parts[1] != "six":
            body = {"meta": {"api-version": "1.1"}, "name": parts[1],
                    "files": [{"filename": f, "url": f"/files/{f}", "hashes": {"sha256": h}} for f, h in files]}
            return self.answer(200, json.dumps(body).encode(), JSON_PAGE)
        links = "".join(f'<a href="../../files/{f}#sha256={h}">{f}</a><br/>\n' for f, h in files)
        self.answer(200, f"<!DOCTYPE html><html><body>{links}</body></html>".encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
