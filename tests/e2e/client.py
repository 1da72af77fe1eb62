"""A registry client for scenarios that real clients cannot play: any size without a file, any pace, cut anywhere.

Where the registry is and who asks comes from the environment: REG, CA, ALICE, ALICE_PASSWORD (lib.sh).
"""
import base64
import hashlib
import http.client
import os
import random
import socket
import ssl

MIB = 1 << 20
TIMEOUT = 120  # seconds without a single byte: longer than a server may take for anything


class Refused(Exception):
    def __init__(self, what, status, body):
        super().__init__(f"{what}: {status} {body[:300]!r}")
        self.status = status


class Content:
    """`size` bytes that follow from `seed`, made when they are needed: a block of noise with its number stamped in."""

    def __init__(self, seed, size):
        self.size = size
        self.noise = bytearray(random.Random(seed).randbytes(MIB))
        self.known_digest = None

    def pieces(self, start=0):
        """From byte `start` on, in pieces of at most a mebibyte; each is valid until the next one is asked for."""
        view = memoryview(self.noise)
        while start < self.size:
            number, within = divmod(start, MIB)
            self.noise[:8] = number.to_bytes(8, "little")
            piece = view[within:min(MIB, within + self.size - start)]
            yield piece
            start += len(piece)

    def digest(self):
        if self.known_digest is None:
            checksum = hashlib.sha256()
            for piece in self.pieces():
                checksum.update(piece)
            self.known_digest = "sha256:" + checksum.hexdigest()
        return self.known_digest


class Client:
    """One connection. `receive_buffer`: bytes the kernel may hold for a slow reader."""

    def __init__(self, receive_buffer=None):
        self.host, port = os.environ["REG"].rsplit(":", 1)
        self.port, self.receive_buffer = int(port), receive_buffer
        secret = f"{os.environ['ALICE']}:{os.environ['ALICE_PASSWORD']}"
        self.authorization = "Basic " + base64.b64encode(secret.encode()).decode()
        self.connection = None
        self.connect()

    def connect(self):
        self.close()
        family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        raw = socket.socket(family, kind, protocol)
        if self.receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        raw.settimeout(TIMEOUT)
        raw.connect(address)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        context = ssl.create_default_context(cafile=os.environ["CA"])
        self.connection.sock = context.wrap_socket(raw, server_hostname=self.host)
        self.connection.auto_open = False

    def close(self):
        if self.connection:
            self.connection.close()

    @property
    def socket(self):
        return self.connection.sock

    def head(self, method, path, headers=()):
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        self.connection.putheader("Authorization", self.authorization)
        for name, value in dict(headers).items():
            self.connection.putheader(name, value)
        self.connection.endheaders()

    def answer(self, what, *expected):
        response = self.connection.getresponse()
        if response.status not in expected:
            raise Refused(what, response.status, response.read())
        return response

    def ask(self, method, path, *expected, headers=(), body=None):
        """One exchange. Returns the response, read to its end, with its body as `.body`."""
        headers = dict(headers)
        if body is not None or method in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body or b""))
        self.head(method, path, headers)
        if body:
            self.connection.send(body)
        response = self.answer(f"{method} {path}", *expected)
        response.body = response.read()
        return response

    # --- pushing

    def start(self, repository):
        """A new session; returns its path."""
        return self.ask("POST", f"/v2/{repository}/blobs/uploads/", 202).headers["Location"]

    def send(self, session, pieces):
        """PATCH in chunks of whatever pieces there are; returns where to go on."""
        self.head("PATCH", session, {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"})
        for piece in pieces:
            self.connection.send(b"%x\r\n" % len(piece))
            self.connection.send(piece)
            self.connection.send(b"\r\n")
        self.connection.send(b"0\r\n\r\n")
        response = self.answer(f"PATCH {session}", 202)
        response.read()
        return response.headers["Location"]

    def finish(self, session, digest):
        self.ask("PUT", session + ("&" if "?" in session else "?") + "digest=" + digest, 201)

    def push(self, repository, content, pieces=None):
        """POST, PATCH, PUT."""
        self.finish(self.send(self.start(repository), pieces or content.pieces()), content.digest())

    def kept(self, session):
        """Bytes that the server has of a session. (One byte would look like none; nobody here stops there.)"""
        last = int(self.ask("GET", session, 204).headers["Range"].partition("-")[2])
        return last + 1 if last else 0

    # --- pulling

    def pull(self, repository, content, pause=lambda done: None):
        """Reads a blob to its end and checks every byte by its digest; `pause` is called after each mebibyte."""
        path = f"/v2/{repository}/blobs/{content.digest()}"
        self.head("GET", path)
        response = self.answer(f"GET {path}", 200)
        buffer, done, checksum = memoryview(bytearray(MIB)), 0, hashlib.sha256()
        while True:
            n = response.readinto(buffer)
            if n == 0:
                break
            checksum.update(buffer[:n])
            done += n
            pause(done)
        if done != content.size or "sha256:" + checksum.hexdigest() != content.digest():
            raise AssertionError(f"GET {path}: {done} of {content.size} bytes, sha256:{checksum.hexdigest()}")
