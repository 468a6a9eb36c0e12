"""The scenarios of astral-sh/packse as package indexes on loopback.

    packse_server.py SCENARIOS

Makes tiny wheels (and source archives with static metadata) of every scenario in memory, and prints its port. /NAME/simple/ is
the index of scenario NAME; /scenarios.json has all scenarios. A third of the scenarios has metadata beside the wheels, a third
serves ranges only, a third neither, so every way to a wheel's METADATA is used. Ends when standard input closes.
"""
import hashlib, http.server, io, json, os, re, sys, tarfile, threading, tomllib, zipfile

scenarios, files = [], {}


def metadata_of(name, version, requires, extras, python):
    text = f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}\n"
    if python:
        text += f"Requires-Python: {python}\n"
    text += "".join(f"Requires-Dist: {one}\n" for one in requires)
    for extra, needed in extras.items():
        text += f"Provides-Extra: {extra}\n"
        for one in needed:
            requirement, _, marker = one.partition(";")
            condition = f"({marker.strip()}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
            text += f"Requires-Dist: {requirement.strip()} ; {condition}\n"
    return text


def sdist(name, version, *rest):
    out = io.BytesIO()
    data = metadata_of(name, version, *rest).encode()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"{name.replace('-', '_')}-{version}/PKG-INFO")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def wheel(name, version, requires, extras, python, tags):
    out = io.BytesIO()
    base = name.replace("-", "_")
    text = metadata_of(name, version, requires, extras, python)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        # Large enough that a request for the end of the wheel does not return all of it.
        z.writestr(zipfile.ZipInfo(f"{base}/data.bin"), os.urandom(100_000))
        for path, content in ((f"{base}/__init__.py", ""), (f"{base}-{version}.dist-info/METADATA", text),
                              (f"{base}-{version}.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tags[0]}\n"),
                              (f"{base}-{version}.dist-info/RECORD", "")):
            z.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return out.getvalue(), text.encode()


for directory, _, names in sorted(os.walk(sys.argv[1])):
    for name in sorted(names):
        if not name.endswith(".toml"):
            continue
        with open(os.path.join(directory, name), "rb") as file:
            scenario = tomllib.load(file)
        key = name[:-5]
        mode = len(scenarios) % 3  # 0: metadata beside the wheel, 1: ranges, 2: neither
        scenario["key"], scenario["mode"] = key, mode
        scenarios.append(scenario)
        for project, description in scenario.get("packages", {}).items():
            page = []
            for version, row in description.get("versions", {}).items():
                made = {}
                tags = row.get("wheel_tags", ["py3-none-any"])
                if row.get("wheel", True):
                    for tag in tags:
                        made[f"{project.replace('-', '_')}-{version}-{tag}.whl"] = wheel(
                            project, version, row.get("requires", []), row.get("extras", {}), row.get("requires_python"), tags)
                if row.get("sdist", True):
                    made[f"{project.replace('-', '_')}-{version}.tar.gz"] = (
                        sdist(project, version, row.get("requires", []), row.get("extras", {}), row.get("requires_python")), None)
                for file, (body, metadata) in made.items():
                    files[f"/{key}/files/{file}"] = body
                    entry = {"filename": file, "url": f"../../files/{file}", "size": len(body),
                             "hashes": {"sha256": hashlib.sha256(body).hexdigest()}, "yanked": row.get("yanked", False)}
                    if row.get("requires_python"):
                        entry["requires-python"] = row["requires_python"]
                    if metadata and mode == 0:
                        files[f"/{key}/files/{file}.metadata"] = metadata
                        entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
                    page.append(entry)
            body = {"meta": {"api-version": "1.1"}, "name": project, "files": page}
            files[f"/{key}/simple/{re.sub('[-_.]+', '-', project).lower()}/"] = json.dumps(body).encode()
modes = {scenario["key"]: scenario["mode"] for scenario in scenarios}


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
        if self.path == "/scenarios.json":
            return self.answer(200, json.dumps(scenarios).encode(), Content_Type="application/json")
        body = files.get(self.path)
        if body is None:
            return self.answer(404)
        if self.path.endswith("/"):
            return self.answer(200, body, Content_Type="application/vnd.pypi.simple.v1+json")
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if wanted and modes[self.path.split("/")[1]] == 1:
            first, last = wanted.groups()
            begin = max(0, len(body) - int(last)) if not first else int(first)
            end = len(body) - 1 if not first or not last else min(int(last), len(body) - 1)
            return self.answer(206, body[begin:end + 1], Content_Range=f"bytes {begin}-{end}/{len(body)}")
        self.answer(200, body, Content_Type="application/octet-stream")


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # the client may leave in the middle of a file: that is tested


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
os._exit(0)
