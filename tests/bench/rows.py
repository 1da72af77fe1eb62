"""The rows of the table and the ratios to reach. Rows of other files are added at the end."""
import work
from content import MANIFEST_PATH, REPOSITORY
from row import Row, cost, limit, rate
from scale_rows import SCALE

# docker-registry is what the goals are set against; nobody else may be ahead either.
PEERS = {"distribution": 1, "zot": 1}
REGISTRIES = ("berth", "registry", *PEERS)
ALL = (*REGISTRIES, "nginx")

PER_REQUEST = cost("CPU us/request")
PER_GIB = cost("CPU-s/GiB")
MOUNT = f"/v2/bench/mount-{{{{}}}}/blobs/uploads/?mount={{digest}}&from={REPOSITORY}"

SHAKE_GOALS = (rate("handshakes/s", nginx=1.2, registry=1, **PEERS), cost("CPU us/handshake"))
READ = (
    Row("manifest-get", "GET a manifest by tag, 32 connections", ALL,
        (rate("requests/s", registry=40, nginx=0.9, **PEERS), PER_REQUEST), work.wrk(MANIFEST_PATH)),
    Row("manifest-get-auth", "the same with Basic auth, bcrypt 10", (*REGISTRIES, "berth-open"),
        (rate("requests/s", registry=1000, **PEERS, **{"berth-open": 0.9}), PER_REQUEST),
        work.requests("GET", MANIFEST_PATH, 200), auth=True),
    Row("manifest-head", "HEAD a manifest by tag, 32 connections", ALL,
        (rate("requests/s", registry=40, nginx=0.9, **PEERS), PER_REQUEST), work.requests("HEAD", MANIFEST_PATH, 200)),
    Row("blob-head", "HEAD a blob, 32 connections", ALL,
        (rate("requests/s", registry=20, **PEERS), PER_REQUEST), work.requests("HEAD", "{blob}", 200)),
    Row("blob-mount", "mount a blob into new repositories, 32 connections", REGISTRIES,
        (rate("mounts/s", registry=20, **PEERS), PER_REQUEST), work.requests("POST", MOUNT, 201)),
    Row("handshakes", "full TLS 1.3 handshakes, 8 at once", ALL, SHAKE_GOALS, work.handshakes("handshakes", "1.3")),
    Row("handshakes-resumed", "TLS 1.3 handshakes resumed by ticket, 8 at once", ALL, SHAKE_GOALS,
        work.handshakes("handshakes-resumed", "1.3")),
    Row("tail", "p99 of GETs of a manifest while 8 clients push", REGISTRIES,
        (cost("ms", registry=1, **PEERS), rate("MB/s pushed")), work.tail),
)

PULL_GOALS = (rate("MB/s", registry=1.1, **PEERS), cost("CPU-s/GiB", registry=0.7, **PEERS))
COLD_GOALS = (rate("MB/s", registry=1, nginx=1, **PEERS), PER_GIB)
PULL = (
    Row("pull-1", "pull a large layer, TLS, 1 connection", ALL, PULL_GOALS, work.pull(1)),
    Row("pull-8", "pull a large layer, TLS, 8 connections", ALL, PULL_GOALS, work.pull(8)),
    Row("pull-plain", "pull a large layer without TLS, 1 connection", ALL,
        (rate("MB/s", nginx=1, registry=1, **PEERS), PER_GIB), work.pull(1), tls=False),
    Row("pull-cold-1", "pull layers that are not in memory, 1 connection", ALL, COLD_GOALS, work.pull_cold(1)),
    Row("pull-cold-4", "pull layers that are not in memory, 4 connections", ALL, COLD_GOALS, work.pull_cold(4)),
)

PUSH_GOALS = (rate("MB/s", registry=1.5, **PEERS), cost("CPU-s/GiB", registry=0.4, **PEERS))
PUSH = (
    Row("push-1", "push a large layer, TLS, 1 connection", REGISTRIES, PUSH_GOALS, work.push(1), fresh=True),
    Row("push-4", "push large layers, TLS, 4 connections", REGISTRIES, PUSH_GOALS, work.push(4), fresh=True),
    Row("small-images", "push small images, 10 clients", REGISTRIES,
        (rate("images/s", registry=5, **PEERS), cost("CPU ms/image")), work.images, fresh=True),
)

# As zot's own benchmark mixes them; pulls are verified by their digest, which costs the client.
MIX_GOALS = (rate("MB/s", registry=1, **PEERS), cost("CPU-s/GiB", registry=1, **PEERS))


def mix(name, title, plan, count, clients=10, **options):
    return Row(name, f"{title}, {clients} clients", REGISTRIES, MIX_GOALS, work.mixed(plan, count, clients), **options)


MIXED = (
    mix("mixed-push-1", "push layers of 1 MiB", "push:1:100", (8, 40), fresh=True, long=True),
    mix("mixed-push-10", "push layers of 10 MiB", "push:10:100", (1, 8), fresh=True, long=True),
    mix("mixed-push-100", "push layers of 100 MiB", "push:100:100", (1, 2), clients=4, fresh=True, long=True),
    mix("mixed-push", "push 20 % 1, 70 % 10, 10 % 100 MiB", "push:1:20,push:10:70,push:100:10", (1, 5), fresh=True),
    mix("mixed-pull-1", "pull layers of 1 MiB", "pull:1:100", (16, 100), long=True),
    mix("mixed-pull-10", "pull layers of 10 MiB", "pull:10:100", (2, 20), long=True),
    mix("mixed-pull-100", "pull layers of 100 MiB", "pull:100:100", (1, 2), long=True),
    mix("mixed-pull", "pull 20 % 1, 70 % 10, 10 % 100 MiB", "pull:1:20,pull:10:70,pull:100:10", (1, 10)),
    mix("mixed-both-1", "75 % pull, 25 % push, 1 MiB", "pull:1:75,push:1:25", (12, 80), fresh=True, long=True),
    mix("mixed-both-10", "75 % pull, 25 % push, 10 MiB", "pull:10:75,push:10:25", (2, 12), fresh=True),
    mix("mixed-both-100", "75 % pull, 25 % push, 100 MiB", "pull:100:75,push:100:25", (1, 3), clients=4, fresh=True,
        long=True),
)

MEMORY = (
    Row("memory-idle", "memory after the start", REGISTRIES, (limit("MiB", 10),), work.idle_memory, fresh=True, turns=1),
    Row("memory-idle-1000", "memory with 1,000 idle TLS connections", REGISTRIES, (limit("MiB", 80),),
        work.held("VmRSS", "--connections", "1000", "idle", "/v2/"), fresh=True, turns=1),
    Row("memory-uploads-100", "memory at its peak, 100 uploads at once", REGISTRIES, (limit("MiB", 120),),
        work.held("VmHWM", "--connections", "100", "--mebibytes", "8", "uploads", "bench/held"), fresh=True, turns=1),
)

# A list of another file is one more line here.
ROWS = (
    *READ,
    *PULL,
    *PUSH,
    *MIXED,
    *MEMORY,
    *SCALE,
)
