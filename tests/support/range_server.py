"""A small HTTP server for download tests: prints its port, then serves one file in several moods.

/file          answers ranges, as a good server does
/cut/N         sends the whole file's headers, then closes after N bytes (of the range that was asked for)
/norange       ignores ranges and sends everything with 200
/redirect      sends the client to /file
/loop          redirects to itself
/slow          sends one byte and then nothing for a while
anything else  404

An address may end in .bin or .safetensors as well.
"""
import http.server
import re
import sys
import time

DATA = open(sys.argv[1], "rb").read()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def range_start(self):
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(match.group(1)) if match else None

    def send_body(self, start, limit=None):
        if start is not None and start >= len(DATA):
            self.send_error(416)
            return
        body = DATA[start or 0:]
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:limit])

    def do_GET(self):
        self.path = re.sub(r"\.(bin|safetensors)$", "", self.path)
        cut = re.fullmatch(r"/cut/(\d+)", self.path)
        if self.path == "/file":
            self.send_body(self.range_start())
        elif cut:
            self.send_body(self.range_start(), int(cut.group(1)))
        elif self.path == "/norange":
            self.send_body(None)
        elif self.path in ("/redirect", "/loop"):
            self.send_response(302)
            self.send_header("Location", "/file" if self.path == "/redirect" else "/loop")
            self.end_headers()
        elif self.path == "/slow":
            self.send_body(None, 1)
            self.wfile.flush()
            time.sleep(20)
        else:
            self.send_error(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
