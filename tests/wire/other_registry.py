"""Another registry, well-behaved or not: what it says is a table from paths to bodies or functions."""
import http.server
import json
import threading

import wire


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        with self.server.lock:
            self.server.asked.append((self.path, dict(self.headers)))
        answer = self.server.routes.get(path)
        try:
            if callable(answer):
                answer(self)
            elif answer is None:
                self.say(404, b"")
            else:
                self.say(200, answer[0], {"Content-Type": answer[1]})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def say(self, status, body, headers=(), length=None):
        """`length`: what Content-Length says, if not the truth."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Whoever imports hangs up when he has had enough."""


class Other:
    """On a free port of loopback while the context lasts. `routes`: path → (body, media type), or a function of the handler."""

    def __init__(self, routes):
        self.server = Listener(("127.0.0.1", 0), Handler)
        self.server.routes, self.server.asked, self.server.lock = routes, [], threading.Lock()
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def asked(self, path):
        """Heads of the requests for a path, as they came."""
        return [headers for asked, headers in self.server.asked if asked.partition("?")[0] == path]


def image(repository, content, tag="v1", **more):
    """Routes of an image whose only blob is its config, and the config's path."""
    manifest = json.dumps({"schemaVersion": 2, "mediaType": wire.OCI_MANIFEST, "layers": [],
                           "config": wire.descriptor(wire.sha256(content), len(content), wire.OCI_CONFIG), **more}).encode()
    blob = f"/v2/{repository}/blobs/{wire.sha256(content)}"
    return {f"/v2/{repository}/tags/list": (json.dumps({"tags": [tag]}).encode(), "application/json"),
            f"/v2/{repository}/manifests/{tag}": (manifest, wire.OCI_MANIFEST),
            f"/v2/{repository}/manifests/{wire.sha256(manifest)}": (manifest, wire.OCI_MANIFEST),
            blob: (content, "application/octet-stream")}, blob
