"""What a server uses and keeps, before and after each case (hostile.md: memory bounded, nothing stored, nothing leaked).

wire.main() compares for every case of every file, as long as the case leaves the server's process running:
  descriptors come back to what they were, within PATIENCE;
  memory (RssAnon, so not the pages of the metadata map) has not grown by more than a case's due.
A case declared with stores=False is one whose input is refused: no file of a blob or of an upload has come or gone, and the
catalog is what it was.
"""
import os
import re
import time

from client import PATIENCE, Failed

MEMORY_KIB = 64 << 10  # of one case; what the allocator keeps for reuse is in it
SLACK = 2  # descriptors: the sweeper and the follower of files open one now and then
SANITIZED = bool(os.environ.get("SANITIZER_SLOW"))  # sanitizers keep freed memory


class Usage:
    def __init__(self, server, stores):
        self.server, self.stores = server, stores
        self.process = server.process
        server.ask("GET", "/v2/")  # when it answers, all its threads are there
        self.descriptors, self.memory = descriptors(server), memory_kib(server)
        self.kept = None if stores else kept(server)

    def compare(self):
        """Raises Failed. Nothing can be said when another process serves now."""
        if self.server.process is not self.process:
            return
        until = time.monotonic() + PATIENCE
        while descriptors(self.server) > self.descriptors + SLACK:
            if time.monotonic() > until:
                raise Failed(f"{self.descriptors} descriptors before, {descriptors(self.server)} after: {names(self.server)}")
            time.sleep(0.02)
        grown = memory_kib(self.server) - self.memory
        if grown > MEMORY_KIB and not SANITIZED:
            raise Failed(f"the server has grown by {grown} KiB")
        if not self.stores and kept(self.server) != self.kept:
            raise Failed(f"what is stored has changed: {kept(self.server)} instead of {self.kept}")


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def names(server):
    folder = f"/proc/{server.process.pid}/fd"
    found = []
    for fd in os.listdir(folder):
        try:
            found.append(os.readlink(f"{folder}/{fd}"))
        except OSError:
            pass  # closed just now
    return sorted(found)


def memory_kib(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+)", file.read())[1])


def kept(server):
    """Files with their sizes, and repositories."""
    files = {}
    for room in ("blobs", "uploads"):
        for folder, _, found in os.walk(f"{server.folder}/data/{room}"):
            for name in found:
                try:
                    files[f"{folder}/{name}"] = os.path.getsize(f"{folder}/{name}")
                except FileNotFoundError:
                    pass  # swept just now
    return files, server.ask("GET", "/v2/_catalog?n=1000").body
