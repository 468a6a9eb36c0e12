"""A loopback server that misbehaves on request. Prints its port, serves until standard input closes."""
import hashlib, http.server, json, os, ssl, sys, threading, time

BODY = bytes((i * 31 + i // 251) & 255 for i in range(300_000))
seen = {}
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        with lock:
            count = seen[path] = seen.get(path, 0) + 1
        if path == "/count":
            with lock:
                return self.answer(200, json.dumps(seen).encode(), Content_Type="application/json")
        if path.startswith("/ok"):
            if self.headers.get("If-None-Match") == '"v1"':
                return self.answer(304)
            return self.answer(200, BODY, ETag='"v1"')
        if path == "/flaky":
            return self.answer(500) if count < 3 else self.answer(200, BODY)
        if path == "/always500":
            return self.answer(500)
        if path in ("/cut", "/cut-no-range"):
            # The first answers end in the middle; the rest is asked for with a range.
            start = 0
            wanted = self.headers.get("Range")
            if wanted and path == "/cut":
                start = int(wanted.split("=")[1].split("-")[0])
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(BODY) - start))
            self.send_header("ETag", '"v1"')
            self.end_headers()
            whole = count >= 3
            self.wfile.write(BODY[start:] if whole else BODY[start:start + 100_000])
            self.wfile.flush()
            if not whole:
                self.close_connection = True
            return
        if path.startswith(("/trickle", "/slow")):
            # A few bytes a second for ever; some hundred a second, whole in four.
            step, total = (2, len(BODY)) if path.startswith("/trickle") else (100, 2000)
            self.send_response(200)
            self.send_header("Content-Length", str(total))
            self.end_headers()
            for at in range(0, total, step):
                try:
                    self.wfile.write(BODY[at:at + step])
                except OSError:
                    return
                time.sleep(0.2)
            return
        if path == "/login":
            return self.answer(200, b"<!DOCTYPE html><html><form>password</form></html>", Content_Type="text/html")
        if path == "/401":
            if self.headers.get("Authorization"):
                return self.answer(200, BODY)
            return self.answer(401)
        if path == "/403":
            return self.answer(403)
        if path == "/loop":
            return self.answer(302, Location="/loop")
        if path == "/moved":
            return self.answer(301, Location="/ok/moved")
        if path == "/to-http":
            return self.answer(302, Location="http://198.51.100.1/x")
        self.answer(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
# One write: the reader closes the pipe as soon as it has seen all three.
print(f"{server.server_address[1]} {hashlib.sha256(BODY).hexdigest()} {hashlib.md5(BODY).hexdigest()}\n", end="", flush=True)
sys.stdin.read()
os._exit(0)
