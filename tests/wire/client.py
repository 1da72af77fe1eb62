"""The client's side of the wire tests: bytes out, answers read strictly.

A missing byte, a malformed head or an unexpected end is a failure, and so is waiting longer than PATIENCE seconds.
"""
import base64
import json
import os
import re
import socket

USER, PASSWORD = "alice", "correct horse, battery"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
PATIENCE = float(os.environ.get("SANITIZER_SLOW") or 10)


class Failed(Exception):
    pass


class Answer:
    """One response: status, headers by lower-case name (a list when repeated), body, and whether the connection ended."""

    def __init__(self, status, headers, body, closed):
        self.status, self.headers, self.body, self.closed = status, headers, body, closed

    def header(self, name):
        return self.headers.get(name.lower())

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Failed(f"the body is not JSON ({error}): {self!r}") from error

    def error_code(self):
        """The code of an OCI error body, after checking its form."""
        if self.header("content-type") not in ("application/json", "application/json; charset=utf-8"):
            raise Failed(f"not JSON by its Content-Type: {self!r}")
        errors = self.json().get("errors")
        if not errors or not isinstance(errors[0].get("message"), str) or not errors[0]["message"]:
            raise Failed(f"no OCI error in {self!r}")
        return errors[0]["code"]

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}{' closed' if self.closed else ''}>"


class Connection:
    """One TCP connection, with credentials added to what it asks."""

    def __init__(self, address, authorization=AUTHORIZATION, source=None):
        self.socket = socket.create_connection(address, timeout=PATIENCE, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.authorization = authorization
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends bytes; a server that has already answered and closed is no error here."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _more(self):
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        except socket.timeout as error:
            raise Failed(f"no answer within {PATIENCE} s; so far {self.received[:200]!r}") from error
        self.received += data
        return bool(data)

    def _take(self, n):
        while len(self.received) < n:
            if not self._more():
                raise Failed(f"the connection ended {n - len(self.received)} bytes too early")
        data, self.received = self.received[:n], self.received[n:]
        return data

    def _line(self):
        while b"\r\n" not in self.received:
            if not self._more():
                raise Failed(f"the connection ended in the middle: {self.received[:200]!r}")
        line, self.received = self.received.split(b"\r\n", 1)
        return line

    def _chunks(self):
        body = b""
        while True:
            size = int(self._line().split(b";")[0], 16)
            body += self._take(size)
            if self._line() if size else False:
                raise Failed("a chunk does not end with CRLF")
            if size == 0:
                while self._line():
                    pass
                return body

    def answer(self, method="GET"):
        """Reads one final answer; interim 1xx answers are skipped."""
        while True:
            status, headers = self.head()
            if status >= 200:
                break
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        elif "content-length" in headers:
            body = self._take(int(headers["content-length"]))
        else:
            while self._more():
                pass
            body, self.received = self.received, b""
        return Answer(status, headers, body, headers.get("connection", "").lower() == "close")

    def head(self):
        line = self._line()
        match = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) .*", line)
        if not match:
            raise Failed(f"not a status line: {line[:200]!r}")
        headers = {}
        while True:
            line = self._line()
            if not line:
                return int(match[1]), headers
            name, value = line.decode("latin-1").split(":", 1)
            name, value = name.lower(), value.strip()
            headers[name] = value if name not in headers else [headers[name], value]

    def ended(self, patience=None):
        """True when the server has closed the connection and sent nothing more."""
        self.socket.settimeout(patience or PATIENCE)
        try:
            return not self.received and not self._more()
        except Failed:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    def compose(self, method, path, headers=(), body=None):
        """A request as bytes: Host, credentials and Content-Length are added unless `headers` has them."""
        headers = [(k, v) for k, v in (headers.items() if isinstance(headers, dict) else headers)]
        names = {k.lower() for k, _ in headers}
        if "host" not in names:
            headers.insert(0, ("Host", "registry.test"))
        if self.authorization and "authorization" not in names:
            headers.append(("Authorization", self.authorization))
        if not names & {"content-length", "transfer-encoding"} and (body is not None or method in ("POST", "PUT", "PATCH")):
            headers.append(("Content-Length", str(len(body or b""))))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers) + "\r\n"
        return head.encode("latin-1") + (body or b"")

    def ask(self, method, path, headers=(), body=None):
        self.send(self.compose(method, path, headers, body))
        return self.answer(method)
