#!/usr/bin/env python3
"""Layers of any size, made on the way. usage: large.py quick|pausing REPOSITORY GIBIBYTES | large.py steady REPOSITORY

quick     pushes as quickly as it goes; then two clients at once pull and verify, one quick and one that pauses
pausing   pushes, stopping for half a second every quarter of a gibibyte
steady    several clients at once, none of them quick, for 75 s: longer than two of the server's windows of 30 s
"""
import hashlib
import sys
import threading
import time

from client import MIB, Client, Content

STEADY_SECONDS = 75


def seconds_since(began):
    return f"{time.monotonic() - began:.0f} s"


class Hashed:
    """The pieces of a content, hashed on the way, so that a large layer is made only once for its push."""

    def __init__(self, content, pause):
        self.content, self.pause = content, pause

    def __iter__(self):
        checksum, done = hashlib.sha256(), 0
        for piece in self.content.pieces():
            checksum.update(piece)
            yield piece
            done += len(piece)
            self.pause(done)
        self.content.known_digest = "sha256:" + checksum.hexdigest()


def push_whole(repository, gibibytes, pause):
    content = Content(f"{repository} {time.time()}", gibibytes * 1024 * MIB)
    client, began = Client(), time.monotonic()
    client.push(repository, content, Hashed(content, pause))
    print(f"{gibibytes} GiB pushed in {seconds_since(began)}")
    size = int(client.ask("HEAD", f"/v2/{repository}/blobs/{content.digest()}", 200).headers["Content-Length"])
    assert size == content.size, size
    return content


def pull_whole(repository, content, pause):
    began = time.monotonic()
    Client(receive_buffer=256 * 1024 if pause is rest else None).pull(repository, content, pause)
    print(f"{content.size / MIB / 1024:g} GiB pulled in {seconds_since(began)}")


def go_on(_):
    pass


def rest(done):
    if done % (256 * MIB) == 0:
        time.sleep(0.5)


def push_slowly(repository, seed, piece_size, pause):
    """Small pieces with pauses, for as long as "steady" lasts; whole at the end."""
    content = Content(seed, int(STEADY_SECONDS / pause) * piece_size)

    def trickle():
        for mebibyte in content.pieces():
            for start in range(0, len(mebibyte), piece_size):
                yield mebibyte[start:start + piece_size]
                time.sleep(pause)
    client = Client()
    client.push(repository, content, trickle())
    client.pull(repository, content)


def pull_slowly(repository, seed):
    """A mebibyte a second into a small buffer: the server waits for the client nearly all the time."""
    content = Content(seed, STEADY_SECONDS * MIB)
    client = Client(receive_buffer=16 * 1024)
    client.push(repository, content)
    client.pull(repository, content, lambda done: time.sleep(1))


def all_at_once(works):
    """Each a function and its arguments, in threads. Says what went wrong; true if nothing did."""
    failures = []

    def guarded(work, *arguments):
        try:
            work(*arguments)
        except Exception as error:  # pylint: disable=broad-except # told below, by whichever thread
            failures.append(f"{work.__name__} {arguments[1]}: {error!r}")
    threads = [threading.Thread(target=guarded, args=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("\n".join(failures) or f"{len(works)} clients are done")
    return not failures


def main(pace, repository, gibibytes="0"):
    if pace == "steady":
        sys.exit(not all_at_once([(push_slowly, repository, "300 bytes a second", 150, 0.5),
                                  (push_slowly, repository, "a write every six seconds", 4000, 6),
                                  (push_slowly, repository, "many small writes", 1000, 0.01),
                                  (pull_slowly, repository, "one reader"), (pull_slowly, repository, "another reader")]))
    content = push_whole(repository, int(gibibytes), {"quick": go_on, "pausing": rest}[pace])
    if pace == "quick":
        sys.exit(not all_at_once([(pull_whole, repository, content, pause) for pause in (go_on, rest)]))


main(*sys.argv[1:])
