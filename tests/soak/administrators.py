"""Who changes users, rules and certificates, and collects garbage, while the registry is busy: what is changed holds soon."""
import hashlib
import json
import os
import shutil
import signal
import ssl
import time

from actor import PASSWORD, USER, Actor, Failed, Interrupted, basic
from world import BUILD, SLOW, WORK, run_tool

LIMIT = 40 if SLOW else 10  # seconds until a change holds, on a machine that is busy with the soak
USERS, RULES, TLS = f"{WORK}/htpasswd", f"{WORK}/access.yml", f"{WORK}/tls"
BASE_RULES = "rules:\n  - {subjects: [alice]}\n"
GUEST_RULE = "  - {repositories: [soak/**], subjects: [guest], actions: [pull]}\n"
GUEST = basic("guest", "guest's password")


def prepare():
    """Users, rules, and a second certificate of the same authority."""
    for user in ("guest", "reader", "victim"):
        run_tool(f"{BUILD}/berth-user", "add", user, "--file", USERS, "--password-stdin", text=f"{user}'s password\n")
    replace(RULES, BASE_RULES)
    login = {"auths": {os.environ["REG"]: {"auth": basic(USER, PASSWORD).split()[1]}}}  # for skopeo and podman
    replace(f"{WORK}/auth.json", json.dumps(login))
    shutil.copytree(TLS, f"{WORK}/second")
    run_tool(f"{BUILD}/berth-ca", "server", "--force", "--dir", f"{WORK}/second", "registry.test", "registry6.test")
    shutil.copytree(TLS, f"{WORK}/first")


def replace(path, text):
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


class Administrator(Actor):
    pause = (1, 6)

    def __init__(self, world):
        super().__init__(world, "administrator")
        self.certificates, self.round = ["first", "second"], 0

    def step(self):
        self.random.choice([self.user, self.rule, self.certificate, self.broken_certificate, self.hang_up])()
        self.world.count("administrators' changes")

    def soon(self, what, holds):
        """Waits until it holds; a server that ends meanwhile has LIMIT seconds more."""
        until = time.monotonic() + LIMIT
        while True:
            began = time.monotonic()
            try:
                if holds():
                    return
            except (OSError, ssl.SSLError, Failed) as error:
                if not self.world.server.was_down(began, time.monotonic()):
                    raise Failed(f"{what}: {error!r}") from error
                self.world.server.up.wait(60)
                until = time.monotonic() + LIMIT
            if time.monotonic() > until:
                raise Failed(f"{what}: not within {LIMIT} s")
            time.sleep(0.2)

    def status_of(self, path, authorization):
        self.authorization = authorization
        with self.connect() as c:
            return c.ask("GET", path).status

    def user(self):
        self.round += 1
        name, password = f"temp{self.round}", f"password {self.round}"
        run_tool(f"{BUILD}/berth-user", "add", name, "--file", USERS, "--password-stdin", text=password + "\n")
        self.soon("a new user is let in", lambda: self.status_of("/v2/", basic(name, password)) == 200)
        run_tool(f"{BUILD}/berth-user", "del", name, "--file", USERS)
        self.soon("a removed user is refused", lambda: self.status_of("/v2/", basic(name, password)) in (401, 429))

    def rule(self):
        path = "/v2/soak/pusher0/app/tags/list"
        replace(RULES, BASE_RULES + GUEST_RULE)
        self.soon("who is given a right has it", lambda: self.status_of(path, GUEST) in (200, 404))
        replace(RULES, BASE_RULES)
        self.soon("who has lost a right is refused", lambda: self.status_of(path, GUEST) == 403)

    def certificate(self):
        source = f"{WORK}/{self.certificates[0]}"
        self.certificates.reverse()
        for name in ("server.key", "server.crt"):
            shutil.copy(f"{source}/{name}", f"{TLS}/{name}.new")
            os.replace(f"{TLS}/{name}.new", f"{TLS}/{name}")
        self.soon("the new certificate is shown", lambda: self.shown() == fingerprint(f"{source}/server.crt"))

    def shown(self):
        with self.connect() as c:
            return hashlib.sha256(c.socket.getpeercert(True)).hexdigest()

    def broken_certificate(self):
        """Half a file: the old one stays in force. Not while the server might have to start with it."""
        if self.world.chaos.is_alive():
            return
        before = self.shown()
        with open(f"{TLS}/server.crt", encoding="ascii") as file:
            whole = file.read()
        replace(f"{TLS}/server.crt", whole[:len(whole) // 2])
        time.sleep(3)
        if self.shown() != before:
            raise Failed("half a certificate took effect")
        replace(f"{TLS}/server.crt", whole)

    def hang_up(self):
        if self.world.server.up.is_set():
            self.world.server.process.send_signal(signal.SIGHUP)


def fingerprint(path):
    with open(path, encoding="ascii") as file:
        pem = file.read()
    end = "-----END CERTIFICATE-----"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[:pem.index(end) + len(end)] + "\n")).hexdigest()


class Collector(Actor):
    """`berth gc --delete-untagged`, and what else can be asked of a server that runs."""

    pause = (10, 25)

    def __init__(self, world, commands):
        super().__init__(world, "collector")
        self.commands = commands

    def step(self):
        command = self.random.choice(self.commands)
        began = time.monotonic()
        try:
            run_tool(f"{BUILD}/berth", *command, limit=300)
        except RuntimeError as error:
            if self.world.server.was_down(began, time.monotonic()):
                raise Interrupted from error
            raise
        self.world.count(f"berth {command[0]}")
