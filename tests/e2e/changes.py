#!/usr/bin/env python3
"""Changes of users, rules, authorities, revocation lists and the server's certificate, while the registry is busy.

  load      clients whose rights never change: each request must pass, on connections that are kept and on new ones
  probes    callers whose rights a change gives or takes: one request after the other, each with the time it began and ended
  changes   one after the other, with the tools that administrators have

Of each probe: what ended before its change had the old outcome, what began two seconds after it the new one, and once the
new outcome was seen nobody who begins later gets the old one. Measured is the time from the end of the change to the first
new outcome that is followed by no old one.

Prints a line when the files are made that the server starts with, and waits for one on standard input until it runs.
"""
import collections
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time

from tls import Authority, Failed, TlsConnection, basic, context_of, replace, text_of

WORK, BUILD = os.environ["WORK"], os.environ["BUILD"]
SLOW = bool(os.environ.get("SANITIZER_SLOW"))
LIMIT = 6.0 if SLOW else 2.0  # seconds until a change is in force
AFTER = LIMIT + 0.7  # for so long a change is watched
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
USERS, RULES, AUTHORITIES, REVOKED = (f"{WORK}/{name}" for name in ("htpasswd", "access.yml", "clients.pem", "revoked.pem"))
BASE_RULES = """rules:
  - {subjects: [alice]}
  - {repositories: [open/**], subjects: [anonymous], actions: [pull]}
  - {repositories: [team/**], subjects: [reader, late, renewed, steady, veteran, newcomer, culprit], actions: [pull]}
  - {repositories: [team/**], subjects: [writer], actions: [pull, push, overwrite]}
"""
GUEST_RULE = "  - {repositories: [team/**], subjects: [guest], actions: [pull]}\n"
PULL = "/v2/team/app/manifests/v1"
LARGE = bytes(range(256)) * 32768  # 8 MiB


def password_of(user):
    return f"{user}'s password"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def berth_user(command, user, password=None, *more):
    subprocess.run([f"{BUILD}/berth-user", command, user, "--file", USERS, *(["--password-stdin"] if password else []), *more],
                   input=password and password + "\n", text=True, check=True, capture_output=True)


def add_user(user):
    berth_user("add", user, password_of(user), "--algorithm", "bcrypt", "--cost", "4")


# ---- asking ----

Outcome = collections.namedtuple("Outcome", "began ended what")  # what: a status, "refused by TLS", a digest of a certificate, or a Failed


class Client(threading.Thread):
    """Asks again and again until it is told to stop; what came out is in `outcomes`. A kept connection is given up only when
    the registry says so in an answer."""

    def __init__(self, name, certificate=None, authorization=None, path=PULL, kept=True, resumes=False, pause=0.01, certificate_is_outcome=False):
        super().__init__(daemon=True)
        self.name, self.authorization, self.path, self.kept, self.resumes, self.pause = name, authorization, path, kept, resumes, pause
        self.context = context_of(certificate)
        self.certificate_is_outcome = certificate_is_outcome
        self.outcomes, self.connection, self.session, self.resumed = [], None, None, 0
        self.is_new, self.over = True, threading.Event()

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                what = self.step()
            except ssl.SSLError as error:
                what = "refused by TLS" if "alert" in str(error).lower() else f"{error!r}"
                self.drop()
            except Exception as error:  # pylint: disable=broad-exception-caught  (any failure is an outcome)
                what = self.lost(error)
                self.drop()
            self.outcomes.append(Outcome(began, time.monotonic(), what))
            self.over.wait(self.pause)
        self.drop()

    def lost(self, error):
        """A new connection that ends without an answer: TLS 1.3 refuses certificates only after the client is done, and the
        alert is lost when the request crosses it."""
        crossed = isinstance(error, (ConnectionResetError, BrokenPipeError)) or "the connection ended" in str(error)
        return "refused by TLS" if crossed and self.is_new else f"{error!r}"

    def drop(self):
        if self.connection is not None:
            self.connection.socket.close()
            self.connection = None

    def ask(self, method, path, headers=(), body=None):
        self.is_new = self.connection is None
        if self.is_new:
            session = self.session if self.resumes else None
            self.connection = TlsConnection(self.context, self.authorization, session=session)
            self.resumed += bool(self.connection.socket.session_reused)
        answer = self.connection.ask(method, path, headers, body)
        self.session = self.connection.socket.session
        return answer

    def step(self):
        answer = self.ask("GET", self.path)
        what = answer.status
        if self.certificate_is_outcome:
            what = digest(self.connection.socket.getpeercert(True)) if what == 200 else what
        if answer.closed or not self.kept:
            self.drop()
        return what


class Pusher(Client):
    """Pushes small blobs, and moves a tag over them."""

    def step(self):
        number = len(self.outcomes)
        blob = f"blob {number}".encode()
        answer = self.ask("POST", f"/v2/team/busy/blobs/uploads/?digest={digest(blob)}", (), blob)
        if answer.status == 201:
            manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(blob), "size": len(blob)}}).encode()
            answer = self.ask("PUT", f"/v2/team/busy/manifests/moving-{number % 3}", [("Content-Type", MANIFEST)], manifest)
        return 200 if answer.status == 201 else answer.status


class SlowPuller(Client):
    """Pulls a large blob in sips that take about three seconds, so that most changes meet it in the middle."""

    def step(self):
        connection = TlsConnection(self.context, self.authorization)
        connection.send(connection.compose("GET", self.path))
        status, headers = connection.head()
        checksum, left = hashlib.sha256(connection.received), int(headers["content-length"]) - len(connection.received)
        while left > 0:
            data = connection.socket.recv(65536)
            if not data:
                raise Failed(f"{left} bytes are missing")
            checksum.update(data)
            left -= len(data)
            if not self.over.is_set():
                time.sleep(0.005)
        connection.socket.close()
        return status if "sha256:" + checksum.hexdigest() == digest(LARGE) else "wrong bytes"


# ---- judging ----

class Change:
    """`make` changes something; `probes` are (client, outcome before, outcome after)."""

    def __init__(self, name, make, probes):
        self.name, self.make, self.probes = name, make, probes
        self.began = self.ended = None

    def run(self):
        self.began = time.monotonic()
        self.make()
        self.ended = time.monotonic()

    def judge(self, probe, before, after, until):
        """When the change held for the probe, in seconds after it was made; failures as text."""
        bad, last_old, first_new = [], self.ended, None
        seen = [o for o in probe.outcomes if o.began < until]
        if before == after:  # concerns others
            return 0, None, [f"{self.name}: {probe.name}: {o.what} at {o.began - self.ended:+.2f} s" for o in seen if o.what != before]
        for o in seen:
            at = f"{o.began - self.ended:+.2f}…{o.ended - self.ended:+.2f} s: {o.what}"
            if o.what not in (before, after):
                bad.append(f"{at}: neither {before} nor {after}")
            elif o.ended < self.began and o.what != before:
                bad.append(f"{at} before the change, not {before}")
            elif o.began > self.ended + LIMIT and o.what != after:
                bad.append(f"{at} long after it, not {after}")
            elif first_new is not None and o.began > first_new and o.what != after and o.began > self.began:
                bad.append(f"{at}, though another began to get {after} at {first_new - self.ended:+.2f} s")
            if o.what == before:
                last_old = max(last_old, o.began)
            elif first_new is None and o.began > self.began:
                first_new = o.ended
        if not any(o.ended < self.began for o in seen) or not any(o.began > self.ended + LIMIT for o in seen):
            bad.append("too few requests to say anything")
        return last_old - self.ended, first_new, [f"{self.name}: {probe.name}: {text}" for text in bad]


def judge_together(change, until):
    """All probes of a change. Nobody may get the old outcome after anybody has seen the new one."""
    times, failures, firsts = [], [], []
    for probe, before, after in change.probes:
        held, first, bad = change.judge(probe, before, after, until)
        times.append(held)
        failures += bad
        firsts.append(first)
    known = [first for first in firsts if first is not None]
    for probe, before, after in change.probes:
        late = [o for o in probe.outcomes if o.began < until and known and o.began > min(known) and o.what == before != after]
        failures += [f"{change.name}: {probe.name}: {o.what} {o.began - min(known):.3f} s after somebody saw the change" for o in late[:3]]
    return max(times), failures


# ---- the scenario ----

class Scenario:
    def __init__(self):
        self.pki = {name: Authority(name) for name in ("lasting", "old", "new")}
        self.certificate = {user: self.pki[authority].issue(user) for user, authority in
                            (("steady", "lasting"), ("culprit", "lasting"), ("veteran", "old"), ("newcomer", "new"))}

    def prepare(self):
        """What the server starts with."""
        self.trust("lasting", "old")
        replace(REVOKED, self.pki["lasting"].revocations())
        replace(RULES, BASE_RULES)
        for user in ("reader", "writer", "renewed", "guest"):
            add_user(user)

    def trust(self, *names):
        replace(AUTHORITIES, "".join(text_of(self.pki[name].certificate) for name in names))

    def revoke(self, user):
        self.pki["lasting"].revoke(self.certificate[user])
        replace(REVOKED, self.pki["lasting"].revocations())

    def load(self):
        reader, writer = (basic(user, password_of(user)) for user in ("reader", "writer"))
        blob = f"/v2/team/app/blobs/{digest(LARGE[:5000])}"
        return [
            Client("reader, kept", authorization=reader), Client("reader, blobs on new connections", authorization=reader, path=blob, kept=False),
            Pusher("writer", authorization=writer), Client("anonymous, kept", path="/v2/open/app/manifests/v1"),
            Client("anonymous, new connections", path="/v2/open/app/manifests/v1", kept=False),
            Client("certificate, kept", self.certificate["steady"]), Client("certificate, new connections", self.certificate["steady"], kept=False),
            Client("certificate, resumed", self.certificate["steady"], kept=False, resumes=True),
            SlowPuller("reader, slow", authorization=reader, path=f"/v2/team/app/blobs/{digest(LARGE)}"),
        ]

    @staticmethod
    def three(name, certificate=None, authorization=None):
        """The same caller on a kept connection, on new ones, and on resumed sessions."""
        return [Client(f"{name}, {how}", certificate, authorization, pause=0.03, **options)
                for how, options in (("kept", {}), ("new", {"kept": False}), ("resumed", {"kept": False, "resumes": True}))][:3 if certificate else 2]

    def pass_of(self, user):
        with TlsConnection(context_of(), basic(user, password_of(user))) as connection:
            return "Bearer " + connection.ask("GET", "/v2/_token").json()["token"]

    def changes(self):
        """Makes each change when the one before was watched long enough."""
        late, old, new = basic("late", password_of("late")), basic("renewed", password_of("renewed")), basic("renewed", "another password")
        guest = basic("guest", password_of("guest"))
        yield Change("user added", lambda: add_user("late"), [(c, 401, 200) for c in self.three("late", None, late)])
        yield Change("password changed", lambda: berth_user("passwd", "renewed", "another password", "--algorithm", "bcrypt", "--cost", "4"),
                     [(c, 200, 401) for c in self.three("old password", None, old) + self.three("pass", None, self.pass_of("renewed"))]
                     + [(c, 401, 200) for c in self.three("new password", None, new)])
        yield Change("user removed", lambda: berth_user("del", "late"),
                     [(c, 200, 401) for c in self.three("late", None, late) + self.three("late's pass", None, self.pass_of("late"))])
        yield Change("rule added", lambda: replace(RULES, BASE_RULES + GUEST_RULE), [(c, 403, 200) for c in self.three("guest", None, guest)])
        yield Change("rule removed", lambda: replace(RULES, BASE_RULES), [(c, 200, 403) for c in self.three("guest", None, guest)])
        yield Change("authority added", lambda: self.trust("lasting", "old", "new"),
                     [(self.three("newcomer", self.certificate["newcomer"])[1], "refused by TLS", 200)]
                     + [(c, 200, 200) for c in self.three("veteran", self.certificate["veteran"])])
        yield Change("authority removed", lambda: self.trust("lasting", "new"),
                     [(c, 200, "gone") for c in self.three("veteran", self.certificate["veteran"])]
                     + [(c, 200, 200) for c in self.three("newcomer", self.certificate["newcomer"])])
        yield Change("certificate revoked", lambda: self.revoke("culprit"), [(c, 200, "gone") for c in self.three("culprit", self.certificate["culprit"])])
        shown = [digest(ssl.PEM_cert_to_DER_cert(re.search(r"-----BEGIN.*?END CERTIFICATE-----\n", text_of(f"{WORK}/{path}"), re.S)[0]))
                 for path in ("tls/server.crt", "next/server.crt")]
        yield Change("server's certificate replaced", self.replace_certificate,
                     [(Client("reader sees", None, basic("reader", password_of("reader")), kept=False, pause=0.03, certificate_is_outcome=True), *shown)])

    @staticmethod
    def replace_certificate():
        """Key first, as ACME clients do: for a moment the two do not fit."""
        for kind in ("key", "crt"):
            replace(f"{WORK}/tls/server.{kind}", text_of(f"{WORK}/next/server.{kind}"))

    @staticmethod
    def watch(change):
        clients = [probe for probe, _, _ in change.probes]
        for client in clients:
            client.start()
        time.sleep(0.6)
        change.run()
        time.sleep(AFTER)
        until = time.monotonic()
        for client in clients:
            client.over.set()
        for client in clients:
            client.join()
            # 403 on a connection that was open, and then no connection any more: both say that the certificate is worth nothing.
            client.outcomes = [o._replace(what="gone") if (client_is_gone(change, client) and o.what in (403, "refused by TLS")) else o for o in client.outcomes]
        return judge_together(change, until)

    def run(self):
        failures, load = [], self.load()
        self.fill()
        began = time.monotonic()
        for client in load:
            client.start()
        for change in self.changes():
            took, bad = self.watch(change)
            requests = sum(len(probe.outcomes) for probe, _, _ in change.probes)
            print(f"{change.name}: in force after {took:.2f} s ({len(change.probes)} probes, {requests} requests)")
            failures += bad
        for client in load:
            client.over.set()
        for client in load:
            client.join()
            wrong = [o for o in client.outcomes if o.what != 200]
            failures += [f"{client.name}: {o.what} at {o.began - began:.2f} s" for o in wrong[:3]]
            if len(client.outcomes) < 5:
                failures.append(f"{client.name}: only {len(client.outcomes)} requests")
            if client.resumes and client.resumed < len(client.outcomes) // 2:
                failures.append(f"{client.name}: only {client.resumed} sessions of {len(client.outcomes)} were resumed")
        took = time.monotonic() - began
        total = sum(len(client.outcomes) for client in load)
        print(f"load: {len(load)} clients, {total} requests in {took:.0f} s ({total / took:.0f}/s), "
              f"{sum(o.what != 200 for client in load for o in client.outcomes)} failed")
        return failures

    @staticmethod
    def fill():
        """What is pulled, pushed by alice."""
        with TlsConnection(context_of(), basic("alice", password_of("alice"))) as connection:
            for repository, blob in (("team/app", LARGE), ("team/app", LARGE[:5000]), ("open/app", LARGE[:5000])):
                answer = connection.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={digest(blob)}", (), blob)
                if answer.status != 201:
                    raise Failed(f"{answer!r}")
                manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(blob), "size": len(blob)}}).encode()
                answer = connection.ask("PUT", f"/v2/{repository}/manifests/v1", [("Content-Type", MANIFEST)], manifest)
                if answer.status != 201:
                    raise Failed(f"{answer!r}")


def client_is_gone(change, client):
    return any(probe is client and after == "gone" for probe, _, after in change.probes)


def main():
    scenario = Scenario()
    scenario.prepare()
    print("prepared", flush=True)
    sys.stdin.readline()  # until the server runs
    failures = scenario.run()
    print("\n".join(failures[:25]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
