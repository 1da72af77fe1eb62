#!/usr/bin/env python3
"""Receives notifications: events_receiver.py FOLDER PORT [CERTIFICATE KEY]

Each POST to /NAME becomes a line of FOLDER/NAME.jsonl: its headers, its events, and what was answered. FOLDER/NAME.mode
says how: a status, "slow SECONDS", "cut" (the connection ends without an answer), "to PATH" (307); 200 without it.
FOLDER/PORT.ready is there once it listens.
"""

import http.server
import json
import pathlib
import ssl
import sys
import threading
import time

FOLDER = pathlib.Path(sys.argv[1])
PORT = int(sys.argv[2])
LOCK = threading.Lock()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.strip("/").split("?")[0]
        try:
            mode = (FOLDER / f"{name}.mode").read_text().strip()
        except FileNotFoundError:
            mode = "200"
        what, _, argument = mode.partition(" ")
        if what == "slow":
            time.sleep(float(argument))
        line = {"headers": {k.lower(): v for k, v in self.headers.items()}, "answer": what,
                "path": self.path, "events": json.loads(body)["events"]}
        with LOCK, open(FOLDER / f"{name}.jsonl", "a", encoding="utf-8") as out:
            print(json.dumps(line), file=out)
        if what == "cut":
            self.close_connection = True
            return
        self.send_response({"to": 307, "slow": 200}.get(what) or int(what))
        if what == "to":
            self.send_header("Location", argument)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    server.daemon_threads = True
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    (FOLDER / f"{PORT}.ready").touch()
    server.serve_forever()


main()
