"""Those who write: images in all ways of uploading, moves and removals of tags, indexes, referrers, storms on one tag."""
import threading
import time

from actor import Actor, Failed, Interrupted
from ledger import ABSENT, OCI_MANIFEST, Repository, image, index, sha256

GRACE_S = 20
SIZES = [0, 1, 100, 4000, 70_000, 300_000, 1 << 20, 6 << 20]
WEIGHTS = [1, 2, 20, 20, 15, 6, 3, 1]
TAGS = 10  # of each repository: so that most pushes move one


def location(answer):
    """The path of a Location."""
    text = answer.header("location")
    return text[text.index("/v2/"):]


class Pusher(Actor):
    def __init__(self, world, name, shared):
        super().__init__(world, name)
        self.shared, self.serial = shared, 0
        self.own = [Repository(f"soak/{name}/{part}") for part in ("app", "lib")]
        with world.lock:
            world.repositories += self.own

    def step(self):
        repository = self.random.choice(self.own)
        work = self.random.choices([self.push, self.attach, self.gather, self.drop_tag, self.drop_manifest, self.cancel], [60, 10, 6, 6, 12, 6])[0]
        with repository.lock:
            work(repository)

    # ---- manifests ----

    def note(self):
        self.serial += 1
        return f"{self.name} {self.serial}"

    def put(self, repository, reference, manifest):
        return self.ask((201,), "PUT", f"/v2/{repository.name}/manifests/{reference}", [("Content-Type", manifest.media_type)], manifest.body)

    def tag_of(self, repository):
        """Some tag that is known to name something."""
        tags = repository.sure_tags()
        return self.random.choice(tags) if tags else None

    def push(self, repository):
        began = time.monotonic()
        contents = [self.content() for _ in range(self.random.choice([1, 2, 2, 3]))]
        for data in contents:
            self.blob(repository, data)
        manifest, tag = image(contents, self.note()), f"t{self.random.randrange(TAGS)}"
        before = repository.tags.get(tag, {ABSENT})
        repository.maybe(tag, manifest)
        if time.monotonic() - began > GRACE_S / 2 - 2:
            self.world.count("pushes slower than half the grace")
            answer = self.ask((201, 400, 404), "PUT", f"/v2/{repository.name}/manifests/{tag}", [("Content-Type", OCI_MANIFEST)], manifest.body)
            if answer.status != 201:
                repository.tags[tag] = before
                return
        else:
            self.put(repository, tag, manifest)
        repository.surely(tag, manifest)
        self.world.count("images pushed")
        if self.random.random() < 0.8:
            for old in before - {ABSENT, manifest}:
                self.remove(repository, old)

    def attach(self, repository):
        tag = self.tag_of(repository)
        if tag is None:
            return
        subject = repository.manifest_of(tag)
        data = self.content(small=True)
        self.blob(repository, data)
        manifest = image([data], self.note(), subject)
        self.put(repository, manifest.digest, manifest)
        subject.attached[manifest.digest] = manifest
        self.world.count("referrers attached")

    def gather(self, repository):
        children = [repository.manifest_of(tag) for tag in repository.sure_tags()][:3]
        children = [child for child in children if child.media_type == OCI_MANIFEST]
        if not children:
            return
        manifest = index(children, self.note())
        repository.maybe("all", manifest)
        for tag in repository.naming(manifest):
            self.put(repository, tag, manifest)
            repository.surely(tag, manifest)
        self.world.count("indexes pushed")

    def drop_tag(self, repository):
        tag = self.tag_of(repository)
        if tag is None:
            return
        repository.maybe(tag, ABSENT)
        self.ask((202,), "DELETE", f"/v2/{repository.name}/manifests/{tag}")
        repository.surely(tag, ABSENT)
        self.ask((404,), "GET", f"/v2/{repository.name}/manifests/{tag}")
        self.world.count("tags deleted")

    def drop_manifest(self, repository):
        tag = self.tag_of(repository)
        if tag is not None:
            self.remove(repository, repository.manifest_of(tag))

    def remove(self, repository, manifest):
        """By digest; not what an index that is kept names."""
        if any(one and manifest in one.children for possible in repository.tags.values() for one in possible):
            return
        tags = repository.naming(manifest)
        for tag in tags:
            repository.maybe(tag, ABSENT)
        self.ask((202, 404), "DELETE", f"/v2/{repository.name}/manifests/{manifest.digest}")
        for tag in tags:
            repository.tags[tag].discard(manifest)
        self.ask((404,), "HEAD", f"/v2/{repository.name}/manifests/{manifest.digest}")
        self.world.count("manifests deleted")

    # ---- blobs ----

    def content(self, small=False):
        """Bytes that all pushers share, or new ones."""
        if self.random.random() < 0.5:
            return self.random.choice(self.shared)
        size = 200 if small else self.random.choices(SIZES, WEIGHTS)[0]
        return self.random.randbytes(size)

    def blob(self, repository, data):
        digest = sha256(data)
        if self.ask((200, 404), "HEAD", f"/v2/{repository.name}/blobs/{digest}").status == 200:
            self.world.count("blobs there already")
            return
        other = self.world.some_repository(self.random)
        if self.random.random() < 0.5:
            answer = self.ask((201, 202), "POST", f"/v2/{repository.name}/blobs/uploads/?mount={digest}&from={other.name}")
            if answer.status == 201:
                self.world.count("blobs mounted")
                return
            self.in_one_put(location(answer), digest, data)
        else:
            way = self.random.choice([self.in_one_put, self.in_one_post, self.chunked, self.in_pieces, self.cut])
            if way == self.in_one_post:  # pylint: disable=comparison-with-callable
                self.in_one_post(repository, digest, data)
            else:
                way(location(self.ask((202,), "POST", f"/v2/{repository.name}/blobs/uploads/")), digest, data)
        self.world.count("blobs pushed")
        self.world.count("MiB pushed", len(data) / (1 << 20))

    @staticmethod
    def end_of(place, digest):
        return place + ("&" if "?" in place else "?") + f"digest={digest}"

    def in_one_put(self, place, digest, data):
        self.ask((201,), "PUT", self.end_of(place, digest), body=data)

    def in_one_post(self, repository, digest, data):
        self.ask((201,), "POST", f"/v2/{repository.name}/blobs/uploads/?digest={digest}", body=data)

    def chunked(self, place, digest, data):
        body = b"".join(b"%x\r\n%b\r\n" % (len(data[at:at + 50_000]), data[at:at + 50_000]) for at in range(0, len(data), 50_000)) + b"0\r\n\r\n"
        answer = self.ask((202,), "PATCH", place, [("Transfer-Encoding", "chunked")], body)
        self.ask((201,), "PUT", self.end_of(location(answer), digest))

    def in_pieces(self, place, digest, data):
        step = max(1, len(data) // 3)
        for at in range(0, len(data), step):
            piece = data[at:at + step]
            place = location(self.ask((202,), "PATCH", place, [("Content-Range", f"{at}-{at + len(piece) - 1}")], piece))
        self.ask((201,), "PUT", self.end_of(place, digest))

    def cut(self, place, digest, data):
        """Part of a body, an end of the connection, and on from where the registry says it is."""
        self.send_part(place, data)
        self.eventually(place, lambda: self.position(place) > 0 or len(data) < 2)  # else it might be read behind what follows
        self.eventually(place, lambda: self.resume(place, data))
        self.eventually(place, lambda: self.ask((201, 416), "PUT", self.end_of(place, digest)).status == 201)
        self.world.count("uploads resumed")

    def eventually(self, place, holds):
        """The end of the first connection may not have been seen yet."""
        for _ in range(200):
            if holds():
                return
            time.sleep(0.05)
        raise Failed(f"an upload that was cut cannot be resumed: {place}")

    def resume(self, place, data):
        at = self.position(place)
        if at == len(data):
            return True
        return self.ask((202, 416), "PATCH", place, [("Content-Range", f"{at}-{len(data) - 1}")], data[at:]).status == 202

    def send_part(self, place, data):
        try:
            with self.connect() as c:
                c.send(c.compose("PATCH", place, [("Content-Range", f"0-{max(len(data) - 1, 0)}"), ("Content-Length", str(len(data)))], data[:len(data) // 2]))
        except OSError as error:
            self.excuse(error, "PATCH", place)

    def position(self, place):
        text = self.ask((204,), "GET", place).header("range")
        last = int(text.split("-")[1])
        return last + 1 if last else 0

    def cancel(self, repository):
        place = location(self.ask((202,), "POST", f"/v2/{repository.name}/blobs/uploads/"))
        self.send_part(place, self.random.randbytes(30_000))
        for _ in range(100):
            if self.ask((204, 404, 409, 416), "DELETE", place).status in (204, 404):
                break
            time.sleep(0.05)
        self.ask((404,), "GET", place)
        self.world.count("uploads cancelled")


class Storm(Pusher):
    """Eight connections put manifests under one tag at the same time: each is answered 201, and the tag is one of them."""

    pause = (0.2, 2.0)

    def step(self):
        repository = self.own[0]
        with repository.lock:
            data = self.content(small=True)
            self.blob(repository, data)
            manifests = [image([data], self.note()) for _ in range(8)]
            for manifest in manifests:
                repository.maybe("storm", manifest)
            outcomes = self.all_at_once(repository, manifests)
            if all(outcome == 201 for outcome in outcomes):
                repository.tags["storm"] = set(manifests)
            elif any(outcome not in (201, "interrupted") for outcome in outcomes):
                raise Failed(f"a storm of manifests: {outcomes}")
            repository.verify(self.ask, "storm")
            for manifest in manifests:
                if manifest not in repository.tags["storm"]:
                    self.ask((202, 404), "DELETE", f"/v2/{repository.name}/manifests/{manifest.digest}")
            self.world.count("storms")

    def all_at_once(self, repository, manifests):
        outcomes = []

        def put(manifest):
            helper = Actor(self.world, "")
            try:
                outcomes.append(helper.ask((201,), "PUT", f"/v2/{repository.name}/manifests/storm", [("Content-Type", OCI_MANIFEST)], manifest.body).status)
            except Interrupted:
                outcomes.append("interrupted")
            except Exception as error:  # pylint: disable=broad-exception-caught  (told by the caller)
                outcomes.append(repr(error))
            finally:
                helper.drop()
        threads = [threading.Thread(target=put, args=(manifest,)) for manifest in manifests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes
