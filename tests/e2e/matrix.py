#!/usr/bin/env python3
"""Every route and method, asked by everybody.

usage: matrix.py POLICY [open]      what access.certificates.policy the server has, "certificates" for a server without passwords;
                                    open: its rules open something to nobody
       matrix.py prepare            makes certificates, revocation list and rules in $WORK

What must come out follows from the tables in matrix_tables.py. Each refusal must leave every file of the registry as it
was, and say of what is not there what it says of what is.
"""
import hashlib
import itertools
import json
import os
import re
import ssl
import sys
import time

from matrix_tables import CALLERS, Caller, LOGIN, OPEN_RULE, RULES, Who, alert_of, all_endpoints, handlers, password_of
from tls import Authority, Failed, INSIDE, TlsConnection, basic, context_of, replace

WORK = os.environ["WORK"]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def prepare():
    """The certificates, by their names in CALLERS; the list of revoked ones; the rules."""
    ours, theirs = Authority("ours"), Authority("theirs")
    for name in ("alice", "reader", "writer", "deleter", "other", "stranger", "robot"):
        ours.issue(name)
    ours.issue("reader", file="bound", extensions=f"extendedKeyUsage=clientAuth\nsubjectAltName=IP:{INSIDE}")
    ours.issue("owner", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", file="expired")
    ours.issue("owner", file="server-only", extensions="extendedKeyUsage=serverAuth")
    ours.revoke(ours.issue("owner", file="revoked"))
    os.rename(theirs.issue("owner"), f"{ours.folder}/wrong-authority.pem")
    replace(f"{WORK}/revoked.pem", ours.revocations())
    replace(f"{WORK}/rules.yml", RULES)
    replace(f"{WORK}/rules-open.yml", RULES + OPEN_RULE)


# ---- the walk ----

class Registry:
    """The one under test, filled by alice, who shows whatever the server may want."""

    def __init__(self, policy, opened):
        self.policy, self.opened = policy, opened
        self.kept, self.passes = {}, {}
        self.number = itertools.count(1)
        self.alice = Caller("alice", "alice", "right", "alice")
        self.others = self.push_blob("other/app", b"of the others")
        self.put("other/app", "v1", self.image(self.others, 13))
        if opened:
            self.put("open/app", "v1", self.image(self.push_blob("open/app", b"open to all"), 11))
        self.blob = self.push_blob("team/app", b"of the team")
        self.bodies = {None: None, "blob": b"sent", "broken": b"{", "same": self.image(self.blob, 11), "different": self.image(self.blob, 11, annotations={"a": "b"})}
        self.standing = {"team": "team/app", "tag": "v1", "manifest": self.put("team/app", "v1", self.bodies["same"]), "blob": self.blob,
                         "upload": self.begin(self.alice), "zero": "sha256:" + "0" * 64, "sent": digest(b"sent"), "others": self.others,
                         "different": digest(self.bodies["different"])}
        self.put("team/app", "signature", json.dumps({**json.loads(self.bodies["same"]), "artifactType": "application/x",
                                                       "subject": descriptor(self.standing["manifest"], len(self.bodies["same"]), MANIFEST)}).encode())
        self.ask(self.alice, "PATCH", f"/v2/team/app/blobs/uploads/{self.standing['upload']}", b"begun")

    # asking

    def authorization(self, caller):
        if caller.password == "pass":
            return "Bearer " + (self.pass_of(caller) if self.policy != "certificates" else "of another registry")
        if caller.password == "forged":
            return "Bearer " + "A" * 86
        return caller.password is not None and basic(caller.user, password_of(caller.user) if caller.password == "right" else caller.password)

    def pass_of(self, caller):
        """Given out for the password, and the certificate where that is wanted, too."""
        if caller.user not in self.passes:
            asker = Caller("for a pass", caller.user, "right" if caller.user else None, caller.user)
            self.passes[caller.user] = self.must(200, asker, "GET", "/v2/_token").json()["token"]
        return self.passes[caller.user]

    def connect(self, caller):
        certificate = f"{WORK}/authority-ours/{caller.certificate}.pem" if caller.certificate else None
        return TlsConnection(context_of(certificate), self.authorization(caller) or None, caller.source)

    def ask(self, caller, method, path, body=None):
        """On a connection that is kept for the caller."""
        if caller not in self.kept:
            self.kept[caller] = self.connect(caller)
        headers = [("Content-Type", MANIFEST if "/manifests/" in path else "application/octet-stream")] if body is not None else []
        answer = self.kept[caller].ask(method, path, headers, body)
        if answer.closed:
            self.kept.pop(caller).socket.close()
        return answer

    def must(self, status, *arguments):
        answer = self.ask(*arguments)
        if answer.status != status:
            raise Failed(f"{arguments[1:]}: not {status} but {answer!r}")
        return answer

    # filling

    def image(self, config, size, **more):
        return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
                           "config": descriptor(config, size, "application/vnd.oci.image.config.v1+json"), **more}).encode()

    def push_blob(self, repository, data):
        self.must(201, self.alice, "POST", f"/v2/{repository}/blobs/uploads/?digest={digest(data)}", data)
        return digest(data)

    def put(self, repository, tag, manifest):
        return self.must(201, self.alice, "PUT", f"/v2/{repository}/manifests/{tag}", manifest).header("docker-content-digest")

    def begin(self, caller):
        return re.search(r"/blobs/uploads/([^?]+)", self.must(202, caller, "POST", "/v2/team/app/blobs/uploads/").header("location"))[1]

    def words(self, row, caller, allowed):
        """What stands for the words of the path; what an allowed request will use up is new."""
        words = {**self.standing, "new": f"new-{next(self.number)}"}
        if allowed and row.fresh == "tag":
            words["tag"] = words["new"]
            self.put("team/app", words["tag"], self.bodies["same"])
        elif allowed and row.fresh == "blob":
            words["blob"] = self.push_blob("team/app", words["new"].encode())
        elif allowed and row.fresh == "upload":
            words["upload"] = self.begin(caller)
        elif allowed and row.fresh == "mount":
            self.ask(self.alice, "DELETE", f"/v2/team/app/blobs/{self.others}")  # of who could read the source
        return words

    def clear(self, caller, answer):
        """Cancels the upload that an answer leaves open, lest thousands pile up."""
        place = answer.header("location")
        if answer.status == 202 and place and "/blobs/uploads/" in place:
            self.must(204, caller, "DELETE", place)

    # what there is

    @staticmethod
    def paths():
        """All there is below the data directory. The lock of the metadata counts readers and is none of it."""
        for folder, _, names in os.walk(f"{WORK}/data"):
            yield folder
            yield from (f"{folder}/{name}" for name in names if name != "lock.mdb")

    @staticmethod
    def stamps(paths):
        """Times and size of each, and with a folder's time whether something came or went: quick enough for every request."""
        return [(s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in map(os.stat, paths)]

    def hashes(self):
        found = {}
        for path in self.paths():
            if not os.path.isfile(path):
                found[path] = "folder or socket"
            else:
                with open(path, "rb") as file:
                    found[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return found

    def settled(self):
        """A look at the files, to be repeated, once workers have put away what requests have left behind."""
        before, until = None, time.monotonic() + 10
        while time.monotonic() < until:
            paths = list(self.paths())
            now = self.stamps(paths)
            if now == before:
                return lambda: self.stamps(paths)
            before = now
            time.sleep(0.03)
        raise Failed("the files of the registry change though nobody asks for anything")

    def told(self):
        """The bytes of every file, and what alice is told: catalog, tags, digests, referrers, her upload."""
        paths = ["/v2/_catalog", "/v2/team/app/tags/list", "/v2/team/app/manifests/v1", f"/v2/team/app/blobs/{self.blob}",
                 f"/v2/team/app/referrers/{self.standing['manifest']}", f"/v2/team/app/blobs/uploads/{self.standing['upload']}"]
        answers = [self.ask(self.alice, "GET", path) for path in paths]
        return [self.hashes(), *((a.status, a.body, a.header("docker-content-digest"), a.header("range")) for a in answers)]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(of, size, media_type):
    return {"mediaType": media_type, "digest": of, "size": size}


def plain(answer, repository):
    """An answer without what always differs, and with the repository's name taken out."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}
    return json.loads(json.dumps([answer.status, headers, answer.body.decode("latin-1")]).replace(repository, "REPOSITORY"))


def judge(condition, what, answer):
    if not condition:
        raise Failed(f"{what}: {answer!r}")


class Walk:
    def __init__(self, policy, opened):
        self.policy, self.opened = policy, opened
        self.registry = Registry(policy, opened)
        self.refused = self.allowed = 0
        self.failures = []
        self.rows, self.handlers = list(all_endpoints()), handlers()

    def check_answer(self, answer, row, status, code, refused, who):
        judge(answer.status == status, f"not {status} {code or ''}", answer)
        if code and row.method != "HEAD":
            judge(answer.error_code() == code, f"not {code}", answer)
        challenge = answer.header("www-authenticate")
        judge((challenge is not None) == (status == 401), "a challenge where there should be none, or none", answer)
        if challenge is not None:
            bearer = (self.opened or who.by_certificate) and row.route != "token"
            wanted = f'Bearer realm="https://{os.environ["REG"]}/v2/_token",service="{os.environ["REG"]}"' if bearer else 'Basic realm="Registry Realm"'
            judge(challenge.startswith(wanted) if bearer else challenge == wanted, f"not the challenge {wanted}", answer)
        if status == 405:
            methods = {m.strip() for m in answer.header("allow").split(",")}
            judge(methods == self.takes(row.route), "Allow does not tell what is taken", answer)
        if refused:
            judge(not {"location", "docker-content-digest", "allow", "link", "range"} & set(answer.headers), "a refusal tells too much", answer)
        if row.route == "catalog" and status == 200 and row.method == "GET" and "last" not in row.path:
            judge(set(answer.json()["repositories"]) == who.sees, f"not the catalog {who.sees}", answer)

    def takes(self, route):
        methods = self.handlers[route]
        return methods | ({"HEAD"} if "GET" in methods else set())

    def one(self, caller, who, row, look, before):
        """One row for one caller; `look` at the files must find them as they were `before`, unless it succeeds."""
        registry = self.registry
        status, code, refused = who.expect(row)
        words = registry.words(row, caller, not refused)
        path = row.path.format(**words)
        answer = registry.ask(caller, row.method, path, registry.bodies[row.body])
        self.check_answer(answer, row, status, code, refused, who)
        if not refused:
            self.allowed += 1
        else:
            self.refused += 1
        judge(status < 400 or look() == before, "refused, and something changed", answer)
        if not refused:
            registry.clear(caller, answer)
            return
        if "{team}" in row.path and not (row.need == "overwrite" and "push" in who.rights):
            absent = registry.ask(caller, row.method, row.path.format(**{**words, "team": "team/apq"}), registry.bodies[row.body])
            judge(plain(absent, "team/apq") == plain(answer, "team/app"), "absent and forbidden differ", (absent, answer))

    def locked_out(self, caller, row, alert):
        """A certificate that TLS refuses: an alert says why, and there is no answer to anything."""
        answer = None
        try:
            connection = self.registry.connect(caller)
            if row is None:
                connection.answer()
            words = {**self.registry.standing, "new": "new"}
            answer = connection.ask(row.method, row.path.format(**words), (), self.registry.bodies[row.body])
        except ssl.SSLError as error:
            judge(alert in str(error).upper().replace(" ", "_"), f"not the alert {alert}", error)
        except (Failed, OSError) as error:
            judge(row is not None and (not isinstance(error, Failed) or "the connection ended" in str(error)), f"not the alert {alert}", error)
        judge(answer is None, "answered", answer)
        self.refused += 1

    def caller(self, caller):
        rows, alert = self.rows[:], alert_of(caller)
        who = Who(caller, self.policy, self.opened)
        # Refusals first, then what fails, so that nothing else changes meanwhile.
        rows.sort(key=lambda row: (not who.expect(row)[2], who.expect(row)[0] < 400))
        look, told = self.registry.settled(), self.registry.told()
        before = look()
        if alert:
            # TLS does not know what is asked for, and refuses the same under every policy: one walk asks it everything.
            rows = rows if self.policy == "either" else [row for row in rows if row.need == LOGIN]
            self.attempt(caller, None, lambda: self.locked_out(caller, None, alert))
        settled = False
        for row in rows:
            if not settled and not alert and who.expect(row)[0] < 400:
                settled = self.attempt(caller, row, lambda: judge(self.registry.told() == told, "refusals changed something", ""))
            if alert:
                self.attempt(caller, row, lambda row=row: self.locked_out(caller, row, alert))
            else:
                self.attempt(caller, row, lambda row=row: self.one(caller, who, row, look, before))
        if alert or not settled:
            self.attempt(caller, None, lambda: judge((look(), self.registry.told()) == (before, told), "something changed", ""))

    def attempt(self, caller, row, work):
        try:
            work()
        except (Failed, OSError, ValueError) as error:
            self.registry.kept.pop(caller, None)
            asked = f"{row.method} {row.path} ({row.body})" if row else "handshake, and all in all"
            self.failures.append(f"{caller.name}: {asked}: {error}"[:700])
        return True


def main():
    if sys.argv[1] == "prepare":
        prepare()
        return
    walk = Walk(sys.argv[1], "open" in sys.argv[2:])
    began = time.monotonic()
    # A pass in nobody's name is given out only where nobody may do something.
    callers = [caller for caller in CALLERS if walk.opened or caller.user or caller.password != "pass"]
    for caller in callers:
        walk.caller(caller)
    print(f"policy {' '.join(sys.argv[1:])}: {len(callers)} callers, {len(walk.rows)} questions: {walk.refused} refused, "
          f"{walk.allowed} let through, in {time.monotonic() - began:.1f} s")
    print("\n".join(walk.failures[:20]))
    sys.exit(1 if walk.failures or not walk.refused or not walk.allowed else 0)


if __name__ == "__main__":
    main()
