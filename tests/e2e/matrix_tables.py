"""The tables of matrix.py: who the callers are, what the rules give them, which right each end-point needs; and what must
come out when both are put together.

The end-points are compared with registry/routes.c: a route or method that the table lacks is a failure.
"""
import collections
import itertools
import os
import re

from tls import Failed, OUTSIDE, text_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE")
LOGIN, ENTER = "a login", "any right"  # needs that are no right on a repository

# ---- who calls ----

# What the rules give: name of the user, or of the certificate with "certificate:" in front, to rights on team/**.
RIGHTS = {"alice": "pull push delete overwrite", "owner": "pull push delete overwrite", "reader": "pull", "writer": "pull push",
          "deleter": "pull delete", "other": "", "far": "", "certificate:robot": "pull"}
RIGHTS_INSIDE = {"far": "pull"}  # from 192.0.2.0/24 only
READS_OTHER = ("alice", "other", "owner")  # who may pull from other/**

Caller = collections.namedtuple("Caller", "name user password certificate source", defaults=(None, None, None, None))
CALLERS = [
    Caller("anonymous"),
    *(Caller(name, name, "right") for name in ("reader", "writer", "deleter", "owner", "other")),
    Caller("far, inside the network", "far", "right"),
    Caller("far, outside the network", "far", "right", None, OUTSIDE),
    Caller("bad password", "writer", "wrong"),
    Caller("no password", "writer", ""),
    Caller("unknown user", "nobody-we-know", "wrong"),
    Caller("a pass of the reader", "reader", "pass"),
    Caller("a pass in nobody's name", None, "pass"),
    Caller("a forged pass", "writer", "forged"),
    *(Caller(f"certificate of the {name}", None, None, name) for name in ("reader", "writer", "deleter", "other")),
    Caller("certificate of an unknown user", None, None, "stranger"),
    Caller("certificate of a machine", None, None, "robot"),
    Caller("certificate and password of the writer", "writer", "right", "writer"),
    Caller("certificate and wrong password of the writer", "writer", "wrong", "writer"),
    Caller("certificate of the writer, password of the reader", "reader", "right", "writer"),
    Caller("certificate of the reader, password of the writer", "writer", "right", "reader"),
    Caller("certificate of the reader, pass of the reader", "reader", "pass", "reader"),
    Caller("certificate bound to an address, from there", None, None, "bound"),
    Caller("certificate bound to an address, from elsewhere", None, None, "bound", OUTSIDE),
    Caller("certificate of another authority", None, None, "wrong-authority"),
    Caller("wrong authority, right password", "owner", "right", "wrong-authority"),
    Caller("expired certificate", None, None, "expired"),
    Caller("revoked certificate", None, None, "revoked"),
    Caller("revoked certificate, right password", "owner", "right", "revoked"),
    Caller("certificate for servers", None, None, "server-only"),
]
# Certificates that do not get through the handshake, with the alert that says so; all name a user with every right.
REFUSED = {"wrong-authority": "UNKNOWN_CA", "expired": "CERTIFICATE_EXPIRED", "revoked": "CERTIFICATE_REVOKED", "server-only": "UNSUPPORTED_CERTIFICATE"}


def password_of(user):
    return f"{user}'s password, long enough"


def alert_of(caller):
    if caller.certificate == "bound" and caller.source == OUTSIDE:
        return "BAD_CERTIFICATE"
    return REFUSED.get(caller.certificate)


def common_name(certificate):
    return "reader" if certificate == "bound" else certificate


RULES = """groups: {team: [owner]}
rules:
  - {subjects: [alice]}
  - {repositories: [team/**], subjects: ["@team"]}
  - {repositories: [team/**], subjects: [reader, writer, deleter, "certificate:robot"], actions: [pull]}
  - {repositories: [team/**], subjects: [writer], actions: [push]}
  - {repositories: [team/**], subjects: [deleter], actions: [delete]}
  - {repositories: [team/**], subjects: [far], actions: [pull], networks: [192.0.2.0/24]}
  - {repositories: [other/**], subjects: [other]}
  - {repositories: [other/**], subjects: [owner], actions: [pull]}
"""
OPEN_RULE = "  - {repositories: [open/**], subjects: [anonymous], actions: [pull]}\n"


# ---- what is asked ----

# In paths: {team} the repository; {tag}, {manifest}, {blob}, {upload} what is in it; {zero} a digest that nothing has; {new} a tag
# that was never used. `fresh`: what of those is made anew for each caller who will use it up. `status` may be a function of the caller.
Endpoint = collections.namedtuple("Endpoint", "route method path need status code body fresh", defaults=(None, None, None))
IN = "/v2/{team}"


def mounts(who):
    return 201 if who.reads_other else 202


ENDPOINTS = [
    Endpoint("base", "GET", "/v2/", LOGIN, 200),
    Endpoint("base", "GET", "/v2", LOGIN, 200),
    Endpoint("catalog", "GET", "/v2/_catalog", "pull anywhere", 200),
    Endpoint("catalog", "GET", "/v2/_catalog?n=1&last=a", "pull anywhere", 200),
    Endpoint("token", "GET", "/v2/_token?service=x&scope=repository:{team}:pull,push", ENTER, 200),
    Endpoint("tags", "GET", IN + "/tags/list", "pull", 200),
    Endpoint("manifest", "GET", IN + "/manifests/{tag}", "pull", 200),
    Endpoint("manifest", "GET", IN + "/manifests/{manifest}", "pull", 200),
    Endpoint("manifest", "GET", IN + "/manifests/absent", "pull", 404, "MANIFEST_UNKNOWN"),
    Endpoint("manifest", "PUT", IN + "/manifests/{new}", "push", 201, body="same"),
    Endpoint("manifest", "PUT", IN + "/manifests/{tag}", "push", 201, body="same"),
    Endpoint("manifest", "PUT", IN + "/manifests/{tag}", "overwrite", 201, body="different", fresh="tag"),
    Endpoint("manifest", "PUT", IN + "/manifests/{different}?tag={tag}", "overwrite", 201, body="different", fresh="tag"),
    Endpoint("manifest", "PUT", IN + "/manifests/{new}", "push", 400, "MANIFEST_INVALID", body="broken"),
    Endpoint("manifest", "DELETE", IN + "/manifests/{tag}", "delete", 202, fresh="tag"),
    Endpoint("manifest", "DELETE", IN + "/manifests/absent", "delete", 404, "MANIFEST_UNKNOWN"),
    Endpoint("blob", "GET", IN + "/blobs/{blob}", "pull", 200),
    Endpoint("blob", "GET", IN + "/blobs/{zero}", "pull", 404, "BLOB_UNKNOWN"),
    Endpoint("blob", "DELETE", IN + "/blobs/{blob}", "delete", 202, fresh="blob"),
    Endpoint("blob", "DELETE", IN + "/blobs/{zero}", "delete", 404, "BLOB_UNKNOWN"),
    Endpoint("uploads", "POST", IN + "/blobs/uploads/", "push", 202),
    Endpoint("uploads", "POST", IN + "/blobs/uploads/?digest={sent}", "push", 201, body="blob"),
    Endpoint("uploads", "POST", IN + "/blobs/uploads/?mount={others}&from=other/app", "push", mounts, fresh="mount"),
    Endpoint("uploads", "POST", IN + "/blobs/uploads/?mount={others}", "push", mounts, fresh="mount"),
    *(Endpoint("upload", method, IN + "/blobs/uploads/{upload}" + query, "push", status, body=body, fresh="upload")
      for method, query, status, body in (("GET", "", 204, None), ("PATCH", "", 202, "blob"), ("PUT", "?digest={sent}", 201, "blob"), ("DELETE", "", 204, None))),
    # The upload of somebody else is not there, for whoever may push and for alice, who may do everything.
    *(Endpoint("upload", method, IN + "/blobs/uploads/{upload}" + query, "push", 404, "BLOB_UPLOAD_UNKNOWN", body)
      for method, query, body in (("GET", "", None), ("PATCH", "", "blob"), ("PUT", "?digest={sent}", "blob"), ("DELETE", "", None))),
    Endpoint("referrers", "GET", IN + "/referrers/{manifest}", "pull", 200),
    Endpoint("referrers", "GET", IN + "/referrers/{zero}", "pull", 200),
    *(Endpoint("none", method, path, ENTER, 404, "NAME_UNKNOWN") for method in ("GET", "PUT", "DELETE")
      for path in ("/", "/v1/", "/v2/team", "/v2/{team}/tags/none", "/v2/_catalog/x", "/metrics", "/debug/health")),
    *(Endpoint("tags", method, "/v2/team/APP/tags/list", ENTER, 400, "NAME_INVALID") for method in ("GET",)),
]
PATHS = {"base": "/v2/", "catalog": "/v2/_catalog", "token": "/v2/_token", "tags": IN + "/tags/list", "manifest": IN + "/manifests/{tag}",
         "blob": IN + "/blobs/{blob}", "uploads": IN + "/blobs/uploads/", "upload": IN + "/blobs/uploads/{upload}", "referrers": IN + "/referrers/{manifest}"}


def handlers():
    """{route: methods} of registry/routes.c, whose names are those of routes.h."""
    folder = f"{os.environ['TESTS']}/../registry"
    names = set(re.findall(r"\bROUTE_(\w+)", re.search(r"enum route \{(.*?)\};", text_of(f"{folder}/routes.h"), re.S)[1])) - {"COUNT"}
    table = re.search(r"routes\[ROUTE_COUNT\] = \{\n(.*?)\n\};", text_of(f"{folder}/routes.c"), re.S)[1]
    found = {name: (word, set(re.findall(r"\[METHOD_(\w+)\]", row)))
             for name, word, row in re.findall(r'\[ROUTE_(\w+)\]\s*=\s*\{"(\w+)",(.*?)\}(?=,\s*\[ROUTE_|,?\s*$)', table, re.S)}
    if set(found) != names or not names:
        raise Failed(f"registry/routes.c is not understood: {sorted(names)} and {sorted(found)}")
    return dict(found.values())


def all_endpoints():
    """ENDPOINTS, with HEAD beside each GET, and every method that a route does not take."""
    taken = handlers()
    known = collections.defaultdict(set)
    for row in ENDPOINTS:
        if row.route != "none" and row.code != "NAME_INVALID":
            known[row.route].add(row.method)
    if {route: methods for route, methods in taken.items() if methods} != dict(known) or set(PATHS) != set(known):
        raise Failed(f"registry/routes.c has {taken}, the table of end-points {dict(known)}: add what is missing")
    yield from ENDPOINTS
    yield from (row._replace(method="HEAD") for row in ENDPOINTS if row.method == "GET")
    for route, method in itertools.product(PATHS, METHODS):
        if method not in taken[route] and (method != "HEAD" or "GET" not in taken[route]):
            yield Endpoint(route, method, PATHS[route], ENTER, 405, "UNSUPPORTED")


# ---- what must come out ----

class Who:
    """What a caller is to a server with this policy."""

    def __init__(self, caller, policy, opened):
        named = common_name(caller.certificate)
        self.passwords = policy != "certificates"
        self.lies = self.passwords and caller.password in ("wrong", "", "forged")
        self.user = caller.user if self.passwords and not self.lies else None
        # Before a password is looked at.
        self.mismatch = policy == "both" and self.passwords and caller.user is not None and caller.user != named and caller.password != "forged"
        if self.user is None and policy in ("either", "certificates"):
            self.user = named
        self.has_pass = self.passwords and caller.password == "pass"
        rights = RIGHTS_INSIDE.get(self.user, "") if caller.source != OUTSIDE else ""
        self.rights = set((RIGHTS.get(self.user, "") + " " + RIGHTS.get(f"certificate:{named}", "") + " " + rights).split())
        self.reads_other = self.user in READS_OTHER
        self.enters = bool(self.user or self.rights or opened)
        self.opened = opened
        self.by_certificate = bool(RIGHTS.get(f"certificate:{named}"))
        self.sees = {name for name, shown in (("team/app", "pull" in self.rights), ("other/app", self.reads_other), ("open/app", opened)) if shown}

    def denied(self):
        return (401, "UNAUTHORIZED") if self.passwords and not self.user else (403, "DENIED")

    def has(self, need):
        if need == LOGIN:
            return bool(self.user or self.has_pass or not self.passwords)
        if need == "pull anywhere":
            return bool(self.user or "pull" in self.rights or self.opened)
        return need == ENTER or need in self.rights

    def expect(self, row):
        """(status, code, whether it is a refusal)"""
        if self.mismatch:
            return 403, "DENIED", True
        if self.lies:
            return 401, "UNAUTHORIZED", True
        if not self.enters or not self.has(row.need):
            return *self.denied(), True
        if row.route == "token" and row.status == 200 and self.has_pass and self.user:
            return 401, "UNAUTHORIZED", True
        if row.route == "token" and not self.passwords and row.status == 200:
            return 404, "NAME_UNKNOWN", False
        return (row.status(self) if callable(row.status) else row.status), row.code, False
