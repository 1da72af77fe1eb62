#!/usr/bin/env python3
"""Does the shim miss a call? strace watches the kernel's side of the same run, and must count the same of every kind. A
call on the data directory that neither list below knows is a failure, too: somebody must say what it is."""
import collections
import os
import re
import signal
import sys

import control
import points
import registry
from ledger import Ledger
from registry import Failed, Registry, shim_environment
from workload import SCENARIOS, Client

KIND_OF = {
    "write": "write", "writev": "write", "pwrite64": "write", "pwritev": "write", "pwritev2": "write", "sendfile": "write",
    "copy_file_range": "write", "splice": "write", "ftruncate": "truncate", "truncate": "truncate", "fallocate": "truncate",
    "rename": "rename", "renameat": "rename", "renameat2": "rename", "link": "link", "linkat": "link", "symlink": "link",
    "symlinkat": "link", "unlink": "unlink", "unlinkat": "unlink", "rmdir": "rmdir", "mkdir": "mkdir", "mkdirat": "mkdir",
    "chmod": "attributes", "fchmod": "attributes", "fchmodat": "attributes", "chown": "attributes", "fchown": "attributes",
    "fchownat": "attributes", "utimensat": "attributes", "fsync": "sync", "fdatasync": "sync", "msync": "sync",
    "sync_file_range": "hint", "sendto": "send", "sendmsg": "send", "sendmmsg": "send",
}
OPENS = {"open", "openat", "openat2", "creat"}
HARMLESS = {
    "access", "close", "execve", "faccessat", "faccessat2", "fadvise64", "fcntl", "flock", "fstat", "fstatfs", "getcwd",
    "getdents64", "lseek", "lstat", "mmap", "newfstatat", "pread64", "preadv", "preadv2", "read", "readlink", "readlinkat",
    "readv", "stat", "statfs", "statx",
}
LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")


def whole_lines(file):
    """Calls that strace tells in two lines, in one."""
    begun = {}
    with open(file, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            pid = line.split(" ", 1)[0]
            if line.rstrip().endswith("<unfinished ...>"):
                begun[pid] = line[:line.rindex("<unfinished")]
            elif "resumed>" in line and pid in begun:
                yield begun.pop(pid) + line[line.index("resumed>") + len("resumed>"):]
            else:
                yield line
    yield from begun.values()


def is_shared_map(name, arguments):
    """Writes that no call shows. LMDB's table of readers is such a map, and nothing that must survive."""
    return name == "mmap" and "PROT_WRITE" in arguments and "MAP_SHARED" in arguments and not re.search(r"[-/]lock\b", arguments)


class Watcher:
    """Counts what strace saw."""

    def __init__(self, root, tree):
        self.root = root
        self.counts = collections.Counter()
        self.unknown = []
        self.there = {os.path.join(root, name) for name in tree[1]}

    def paths(self, arguments):
        """All that are named by "dir</where>, "name"" or "name"."""
        return [os.path.join(where, name) for where, name in re.findall(r'(?:\w+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"', arguments)]

    def see(self, line):
        match = LINE.match(line)
        if match is None:
            return
        name, arguments, failed = match[2], match[3], int(match[4]) < 0
        if KIND_OF.get(name) in ("write", "send") and re.match(r"\d+<socket:", arguments):
            self.counts["send"] += 1
        elif name == "bind" and "AF_UNIX" in arguments:
            self.counts["create"] += not failed  # the way in for tools; its name says only which descriptor it is below
        elif self.root + "/" in arguments or f"<{self.root}>" in arguments:
            self.see_below(name, arguments, failed)

    def see_below(self, name, arguments, failed):
        if name in OPENS:
            path = self.paths(arguments)[0]
            if not failed and ("O_CREAT" in arguments or "O_TRUNC" in arguments) and path not in self.there:
                self.counts["create"] += 1
                self.there.add(path)
        elif name in KIND_OF:
            self.counts[KIND_OF[name]] += not failed
            if KIND_OF[name] == "unlink":
                self.there.discard(self.paths(arguments)[0])
            elif KIND_OF[name] == "rename":
                self.there.add(self.paths(arguments)[1])
        elif name not in HARMLESS or is_shared_map(name, arguments):
            self.unknown.append(f"{name}({arguments[:200]})")


def watch(prepared):
    """What is wrong."""
    folder = prepared.copy()
    words = control.Control(os.path.join(folder, "control"))
    server = Registry(folder, words, prepared.scenario.sweeping)
    trace = os.path.join(folder, "trace")
    server.environment = dict(os.environ)  # the shim is the server's alone, not strace's
    server.prefix = ["strace", "-f", "-y", "-s", "300", "-o", trace, "-e", "trace=%file,%desc,%network"]
    for name, value in shim_environment(server.data, words).items():
        server.prefix += ["-E", f"{name}={value}"]
    watcher = Watcher(os.path.realpath(server.data), prepared.tree)
    try:
        server.start()
        prepared.scenario.run(Client(server, Ledger(prepared.values)))
        with open(os.path.join(server.data, "berth.lock"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGTERM)
        if server.process.wait(registry.PATIENCE) != 0:
            raise Failed("it does not stop in order")
        for line in whole_lines(trace):
            watcher.see(line)
        shim = {kind: count for kind, count in words.counts().items() if kind != "open"}
        wrong = [f"strace sees {watcher.counts[kind]} calls of the kind {kind}, the shim {count}"
                 for kind, count in shim.items() if count != watcher.counts[kind]]
        print(f"coverage, {prepared.scenario.name}: {sum(shim.values())} calls, "
              + ", ".join(f"{count} {kind}" for kind, count in shim.items() if count))
        return wrong + [f"nobody knows {call}" for call in watcher.unknown]
    finally:
        server.stop(signal.SIGKILL)
        points.keep_for_a_look(folder, [])


def main():
    failed = 0
    for scenario in SCENARIOS:
        wrong = watch(points.Prepared(scenario))
        failed += bool(wrong)
        for text in wrong:
            print(f"FAILED: coverage, {scenario.name}: {text}")
    print(f"{len(SCENARIOS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
