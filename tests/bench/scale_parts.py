"""What is asked of large registries. A part is a generator of tables: (title, columns, lines)."""
import os
import subprocess
import time

from scale_world import BUILD, Pusher, Scale, finished, load, page, percentile, slow_page
from servers import Server

__all__ = ["PARTS", "Scale"]

PAGE_COLUMNS = ["page of 100 entries", "of", "p50 us", "p99 us", "CPU us"]
# registry: repositories, tags of one more, referrers of one subject
SIZES = {"tiny": (100, 100, 100), "medium": (10_000, 10_000, 1_000), "large": (100_000, 1_000_000, 10_000)}


def repository(number):
    return f"team-{number % 1000:03}/app-{number:07}"


def filled(scale, root):
    """How many of each there are."""
    sizes = scale.sizes(*SIZES[root])
    for kind, size in zip(("repositories", "tags", "referrers"), sizes):
        scale.make(root, kind, size)
    return sizes


def subject(server):
    """The digest that referrers are asked for by."""
    answer = Pusher(server, "scale/other", "t").ask("HEAD", "/v2/scale/referrers/manifests/latest", expected=200)
    return answer.headers["Docker-Content-Digest"]


# --- lists

def page_lines(scale, server, repositories, tags, referrers):
    lists = (("catalog, first", repositories, "/v2/_catalog?n=100"),
             ("catalog, deep", repositories, f"/v2/_catalog?n=100&last={repository(repositories * 9 // 10)}"),
             ("tags, first", tags, "/v2/scale/tags/tags/list?n=100"),
             ("tags, deep", tags, f"/v2/scale/tags/tags/list?n=100&last=v{tags * 9 // 10 - 20:07}"),
             ("referrers", referrers, f"/v2/scale/referrers/referrers/{subject(server)}?n=100"))
    return [[name, size, *page(server, path, scale.seconds)] for name, size, path in lists]


def pages(scale):
    """Lists at three sizes, and what reading them does to memory."""
    lines, memory = [], []
    for root in SIZES:
        sizes = filled(scale, root)
        with scale.serve(root) as server:
            begun = server.status("RssAnon")
            lines += page_lines(scale, server, *sizes)
            memory.append([f"{sizes[0]:,} repositories", begun, server.status("RssAnon")])
    yield "Lists", PAGE_COLUMNS, sorted(lines, key=lambda line: (line[0], line[1]))
    yield "Anonymous memory, KiB", ["with", "after the start", "after reading pages"], memory


def fill_peer(root, repositories, tags):
    """As much of docker-registry's layout as its lists look at: folders of repositories, and of tags."""
    top = f"{root}/docker/registry/v2/repositories"
    for number in range(repositories):
        os.makedirs(f"{top}/{repository(number)}/_manifests/tags/latest")
    for number in range(tags):
        os.makedirs(f"{top}/scale/tags/_manifests/tags/v{number:07}")


def peer(scale):
    """The same lists beside docker-registry's, at a size that it can bear."""
    repositories, tags, _ = filled(scale, "medium")
    lists = (("catalog, first", "/v2/_catalog?n=100"),
             ("catalog, deep", f"/v2/_catalog?n=100&last={repository(repositories * 9 // 10)}"),
             ("tags, first", "/v2/scale/tags/tags/list?n=100"))
    root = f"{scale.work}/peer"
    if not os.path.exists(root):
        fill_peer(root, repositories, tags)
    with scale.serve("medium") as ours, Server(scale.work, "registry", root) as theirs:
        lines = []
        for name, path in lists:
            own, other = page(ours, path, scale.seconds), slow_page(theirs, path, scale.seconds * 2)
            lines.append([name, own[0], other[0], other[0] / own[0], own[2], other[2]])
    yield (f"Lists at {repositories:,} repositories, {tags:,} tags, beside docker-registry",
           ["page", "p50 us", "its p50 us", "times", "CPU us", "its CPU us"], lines)


# Nobody logs in: the rules are about everybody.
RULES = """access:
  rules:
    - {{repositories: [{}], subjects: [anonymous], actions: [pull]}}
"""


def rules(scale):
    """The catalog for who may pull little of it, and what others notice of that."""
    some = filled(scale, "large")[0] // 2
    lines = []
    for name, patterns in (("all", '"**"'), ("three by name", ", ".join(repository(some + n) for n in range(3))),
                           ("one folder of a thousand", f"{repository(some).partition('/')[0]}/**"),
                           ("a star in front", f'"*/app-{some:07}"')):
        with scale.serve("large", RULES.format(patterns + ", scale/tags")) as server:
            alone = page(server, "/v2/scale/tags/manifests/v0000001", scale.seconds)
            asking = load(server, "--connections", 4, "--seconds", scale.seconds + 1, server.url, "requests", "GET",
                          "/v2/_catalog?n=100")
            beside = page(server, "/v2/scale/tags/manifests/v0000001", scale.seconds)
            finished(asking)
            lines.append([name, *page(server, "/v2/_catalog?n=100", scale.seconds), alone[1], beside[1]])
    yield ("Catalog with access rules", ["may pull", "p50 us", "p99 us", "CPU us", "a manifest's p99 us",
                                         "beside 4 who list"], lines)


# --- start

def start(scale):
    """From exec to the first answer; also after a kill in the middle of pushes."""
    filled(scale, "large")
    clean, killed = [], []
    for _ in range(5):
        server = scale.serve("large")
        clean.append(server.start())
        server.stop_quickly()
    for _ in range(5):
        server = scale.serve("large")
        server.start()
        pushing = load(server, "--connections", 4, "--seed", time.time_ns() % 1000000, "--count", 100000, server.url,
                       "images", "scale/killed")
        time.sleep(0.5)
        server.kill()
        pushing.kill()
        pushing.communicate()
        killed.append(server.start())
        server.stop_quickly()
    yield "Start, milliseconds to the first answer", ["after", "median", "worst"], [
        ["a stop", percentile(clean, 0.5), max(clean)], ["SIGKILL while images are pushed", percentile(killed, 0.5), max(killed)]]


# --- writing

def write(scale):
    """One client puts tag after tag, each durable; then ten push images."""
    filled(scale, "large")
    scale.make("small", "tags", scale.sizes(1000)[0])
    lines = []
    for root in ("small", "large"):
        with scale.serve(root) as server:
            pusher = Pusher(server, "scale/tags", f"new-{time.time_ns()}-")
            cpu = server.cpu_seconds()
            times = pusher.for_seconds(scale.seconds * 3)
            cpu = (server.cpu_seconds() - cpu) / len(times) * 1e6
            images = finished(load(server, "--connections", 10, "--seed", time.time_ns() % 1000000, "--count",
                                   10 if scale.quick else 100, server.url, "images", "scale/images"))
            lines.append([f"{scale.made[root + ' tags']:,} tags", len(times) / (scale.seconds * 3),
                          percentile(times, 0.5), percentile(times, 0.99), cpu, images["operations"] / images["seconds"]])
    yield "Writing", ["beside", "PUT tag /s", "p50 ms", "p99 ms", "CPU us", "images /s, 10 clients"], lines


def bytes_of(scale):
    """What an entry takes in the tables, all of a table's pages counted."""
    filled(scale, "large")
    said = scale.make("large", "tags", 0)
    file = os.path.getsize(f"{scale.work}/large/meta/data.mdb")
    tables = said["tables"]
    entries = lambda table: max(tables[table][0], 1)
    each = lambda count, *names: sum(tables[name][1] for name in names) / count
    yield "Metadata, bytes", ["for each", "number", "bytes", "in the tables"], [
        ["tag", entries("tags"), each(entries("tags"), "tags", "manifest_tags"), "tags manifest_tags"],
        ["event of its history", entries("events"), each(entries("events"), "events", "tag_events"), "events tag_events"],
        ["manifest", entries("manifests"), each(entries("manifests"), "manifests", "recallable"), "manifests recallable"],
        ["blob that a manifest names", entries("refs"), each(entries("refs"), "refs"), "refs"],
        ["blob", entries("blobs"), each(entries("blobs"), "blobs"), "blobs"],
        ["holding of a blob", entries("members"), each(entries("members"), "members", "holders"), "members holders"],
        ["repository", entries("repos"), each(entries("repos"), "repos", "names", "catalog", "usage"),
         "repos names catalog usage"],
        ["all tables / the file", 1, said["bytes"] / file, f"{said['bytes'] >> 20} of {file >> 20} MiB"]]


# --- upkeep

def put_and_get(pusher, goes_on):
    """Milliseconds of each PUT of a tag, and of each GET of one, in turn, while it goes on."""
    puts, gets = [pusher.put()], []
    while goes_on():
        puts.append(pusher.put())
        began = time.monotonic()
        pusher.ask("GET", f"/v2/{pusher.repository}/manifests/{pusher.prefix}0", expected=200)
        gets.append((time.monotonic() - began) * 1e3)
    return puts, gets or [0.0]


def beside(scale, server, *arguments):
    """A command beside one who pushes and pulls: what BESIDE says."""
    pusher = Pusher(server, "scale/beside", f"t{time.time_ns()}-")
    until = time.monotonic() + scale.seconds
    puts_before, gets_before = put_and_get(pusher, lambda: time.monotonic() < until)
    began, cpu = time.monotonic(), server.cpu_seconds()
    process = subprocess.Popen([f"{BUILD}/berth", *arguments, "--config", server.config], stdout=subprocess.DEVNULL)
    puts, gets = put_and_get(pusher, lambda: process.poll() is None)
    if process.returncode != 0:
        raise RuntimeError(f"berth {' '.join(arguments)}: exit status {process.returncode}")
    return [time.monotonic() - began, server.cpu_seconds() - cpu, percentile(puts_before, 0.99), percentile(puts, 0.99),
            max(puts), percentile(gets_before, 0.99), percentile(gets, 0.99)]


BESIDE = ["seconds", "CPU-s", "PUT p99 ms before", "meanwhile", "longest", "GET p99 ms before", "meanwhile"]


def sweep(scale):
    """Blobs that nobody needs are freed beside pushes, in registries of two sizes."""
    freed = scale.sizes(5000)[0]
    lines = []
    for root, layers in (("some", 100_000), ("large", 1_000_000)):
        scale.make(root, "layers", scale.sizes(layers)[0], "--share", "100")
        # Others each time: what was freed is not there any more.
        seed = str(scale.made.get(f"{root} swept", 0) + 2)
        scale.note(f"{root} swept", int(seed) - 1)
        subprocess.check_output([f"{BUILD}/bench/scale", "--seed", seed, "--files", "--age", "1000000",
                                 f"{scale.work}/{root}", "idle", str(freed)])
        with scale.serve(root) as server:
            figures = beside(scale, server, "gc", "--quiet")
            lines.append([f"{freed:,} of {scale.made[root + ' layers']:,}", figures[1] / freed * 1e6, *figures])
    yield "Sweeping blobs that nobody needs, with their files", ["blobs", "CPU us each", *BESIDE], lines


def upkeep(scale):
    """Walks over everything, beside clients."""
    filled(scale, "large")
    lines = []
    for arguments in (("du",), ("gc", "--dry-run", "--delete-untagged"), ("retention", "--dry-run")):
        with scale.serve("large") as server:
            before = server.status("RssAnon")
            figures = beside(scale, server, *arguments)
            lines.append([" ".join(arguments), *figures, max(server.status("RssAnon") - before, 0)])
    yield "Walks over everything", ["berth", *BESIDE, "memory KiB"], lines


def check(scale):
    """The metadata is checked while no server runs."""
    filled(scale, "large")
    server = scale.serve("large")
    server.command()
    began = time.monotonic()
    subprocess.check_call([f"{BUILD}/berth", "fsck", "--metadata-only", "--dry-run", "--config", server.config],
                          stdout=subprocess.DEVNULL)
    yield "Check of the metadata", ["of", "seconds"], [[f"{scale.made['large tags']:,} tags", time.monotonic() - began]]


def delete(scale):
    """A repository with all these tags goes, beside clients."""
    filled(scale, "large")
    tags = scale.made["large tags"]
    with scale.serve("large") as server:
        figures = beside(scale, server, "repository", "delete", "scale/tags")
    scale.note("large tags", 0)
    yield "Deleting a repository", ["of", *BESIDE], [[f"{tags:,} tags", *figures]]


PARTS = (pages, peer, rules, start, write, bytes_of, sweep, upkeep, check, delete)
