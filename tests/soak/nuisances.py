"""Those who mean harm or do not know better: none of them may be felt by the others."""
import os
import socket
import ssl
import time

from actor import Actor, Failed, Interrupted, basic, context_of
from world import HOST, PORT

CORPUS = os.path.join(os.environ["TESTS"], "fuzz", "corpus", "http1")
ELSEWHERE = "127.0.0.1"  # an address that no user logs in from


class Nuisance(Actor):
    """Whatever becomes of its connections is fine; that the server lives is for the others to see."""

    pause = (0.05, 0.5)

    def step(self):
        try:
            self.annoy()
        except (OSError, ssl.SSLError, Failed):
            if not self.world.server.up.is_set():
                raise Interrupted from None
        self.world.count(f"{self.name}s")

    def annoy(self):
        raise NotImplementedError

    @staticmethod
    def plain():
        return socket.create_connection((HOST, int(PORT)), timeout=5)

    def tls(self):
        return context_of().wrap_socket(self.plain(), server_hostname=HOST)

    @staticmethod
    def drain(sock):
        sock.settimeout(5)
        while sock.recv(65536):
            pass


class Garbage(Nuisance):
    """Noise in place of TLS, of a request, and of the middle of a good one."""

    def annoy(self):
        seeds = sorted(os.listdir(CORPUS))
        with open(os.path.join(CORPUS, self.random.choice(seeds)), "rb") as file:
            request = bytearray(file.read()[1:])
        for _ in range(self.random.randrange(4)):
            request[self.random.randrange(len(request))] = self.random.randrange(256)
        with self.random.choice([self.plain, self.tls])() as sock:
            sock.sendall(self.random.choice([self.random.randbytes(self.random.randrange(1, 4000)), bytes(request), b""]))
            if self.random.random() < 0.7:
                sock.sendall(self.random.randbytes(100))
                self.drain(sock)


class HalfHandshake(Nuisance):
    """The first bytes of a TLS hello, and then nothing for a while."""

    pause = (0.5, 3)

    def annoy(self):
        with self.plain() as sock:
            sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            self.world.over.wait(self.random.uniform(0, 15))


class SlowSender(Nuisance):
    """A request one byte at a time, or a body that stops in the middle."""

    pause = (0.1, 2)

    def annoy(self):
        with self.connect() as c:
            if self.random.random() < 0.5:
                for byte in c.compose("GET", "/v2/"):
                    c.socket.sendall(bytes([byte]))
                    time.sleep(0.05)
                c.answer()
            else:
                c.socket.sendall(c.compose("PATCH", "/v2/soak/pusher0/app/blobs/uploads/00000000-0000-4000-8000-000000000000", [("Content-Length", "100000")], b"x" * 10))
                self.world.over.wait(self.random.uniform(0, 20))


class Idler(Nuisance):
    """Twenty connections that say nothing."""

    pause = (1, 5)

    def annoy(self):
        connections = []
        try:
            for _ in range(20):
                connections.append(self.tls())
            self.world.over.wait(self.random.uniform(1, 30))
        finally:
            for connection in connections:
                connection.close()


class Guesser(Nuisance):
    """Wrong passwords, of somebody who is there and of nobody; from where no user comes from."""

    pause = (0.1, 1)

    def annoy(self):
        self.authorization = basic(self.random.choice(["victim", "nobody-at-all"]), f"guess {self.random.random()}")
        with self.connect(ELSEWHERE) as c:
            answer = c.ask("GET", "/v2/")
        if answer.status not in (401, 429):
            self.world.find(self.name, f"a wrong password is answered {answer!r}")
        self.world.count(f"guesses answered {answer.status}")


class Abandoner(Nuisance):
    """A push that ends in the middle for good: its upload is left to be purged."""

    pause = (0.5, 3)

    def annoy(self):
        repository = f"soak/abandoned/{self.random.randrange(5)}"
        with self.connect() as c:
            answer = c.ask("POST", f"/v2/{repository}/blobs/uploads/")
            place = answer.header("location")
            c.send(c.compose("PATCH", place[place.index("/v2/"):], [("Content-Length", "1000000")], self.random.randbytes(200_000)))


class Trespasser(Nuisance):
    """A user without rights asks for what is there: the answer never differs from that for what is not."""

    def annoy(self):
        repository = self.world.some_repository(self.random)
        self.authorization = basic("reader", "reader's password")
        with self.connect() as c:
            for path in (f"/v2/{repository.name}/tags/list", f"/v2/{repository.name}x/tags/list"):
                answer = c.ask("GET", path)
                if answer.status not in (401, 403, 429, 503):
                    self.world.find(self.name, f"{path} is open to a user without rights: {answer!r}")


ALL = [Garbage, HalfHandshake, SlowSender, Idler, Guesser, Abandoner, Trespasser]
