"""The words that the shim shares with its driver: shim.h, struct control."""
import errno
import mmap
import struct

KINDS = ["open", "create", "write", "truncate", "rename", "link", "unlink", "mkdir", "rmdir", "attributes", "sync", "hint", "send"]
WORDS = ["action", "first", "last", "error", "counting", "failing", "calls", "hits", "sent", "unsynced"]
NONE, KILL_BEFORE, KILL_AFTER, FAIL, SHORTEN = range(5)
FOREVER = 2**62


def mask(*kinds):
    return sum(1 << KINDS.index(kind) for kind in kinds)


ALL = (1 << len(KINDS)) - 1
# Opening what is there changes nothing and tells nobody anything: no point at which a kill would differ from the next.
CHANGING = ALL & ~mask("open", "hint")
# What can fail for want of space or because of a bad disk.
FAILING = ALL & ~mask("send", "hint")


class Control:
    """One file of shared words; made anew for each run."""

    def __init__(self, path, counting=ALL):
        size = 8 * (len(WORDS) + len(KINDS))
        with open(path, "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self.path = path
        self._put("counting", counting)

    def _put(self, word, value):
        struct.pack_into("=Q", self._map, 8 * WORDS.index(word), value)

    def _get(self, index):
        return struct.unpack_from("=Q", self._map, 8 * index)[0]

    def close(self):
        self._map.close()

    def act(self, action, first, last=None, error=0, failing=ALL):
        """From now on, `action` at the calls with these numbers."""
        for word, value in (("first", first), ("last", first if last is None else last), ("error", error),
                            ("failing", failing), ("action", action)):
            self._put(word, value)

    def lift(self):
        """Nothing fails any more."""
        self._put("action", NONE)

    @property
    def calls(self):
        return self._get(WORDS.index("calls"))

    @property
    def sent(self):
        return self._get(WORDS.index("sent"))

    @property
    def hits(self):
        return self._get(WORDS.index("hits"))

    @property
    def unsynced(self):
        return self._get(WORDS.index("unsynced"))

    def counts(self):
        return {kind: self._get(len(WORDS) + i) for i, kind in enumerate(KINDS)}


ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EDQUOT": errno.EDQUOT}
