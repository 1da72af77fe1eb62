"""What a registry was asked and what it acknowledged, and so what it may hold.

Everything that can be seen of a registry is a set of things with values; None means that there is no such thing:

    ("blob", repository, digest)      its bytes
    ("manifest", repository, digest)  (media type, bytes)
    ("tag", repository, tag)          a digest
    ("upload", address)               the bytes that were acknowledged

A change gives new values to some of them, all at once or not at all. It is asked; then it is acknowledged, or nobody
knows (the server died, or answered with an error of its own), and both outcomes are allowed. Lists and counts follow
from these things (verify.py).
"""
import dataclasses
import threading

NEVER = float("inf")


@dataclasses.dataclass
class Change:
    what: str
    values: dict
    asked: float = 0  # numbers of the shim's calls before and with which it was asked and acknowledged
    acknowledged: float = NEVER


class Ledger:
    def __init__(self, values=None):
        self.initial = dict(values or {})
        self.changes = []
        self._now = dict(values or {})
        self._lock = threading.Lock()

    def ask(self, what, values, asked=0):
        change = Change(what, values, asked)
        with self._lock:
            self.changes.append(change)
        return change

    def acknowledge(self, change, acknowledged=0):
        with self._lock:
            change.acknowledged = acknowledged
            self._now.update(change.values)

    def now(self, key):
        """The value that was acknowledged last."""
        return self._now.get(key)

    def holding(self, kind, repository):
        """What is known to be there of one kind in one repository: {last part of the key: value}."""
        return {key[2]: value for key, value in self._now.items()
                if value is not None and key[0] == kind and key[1] == repository}

    def allow(self, key, value, asked=0):
        """From now on, until something about it is acknowledged, the thing may have that value too."""
        with self._lock:
            self.changes.append(Change("what may be", {key: value}, asked))

    def at(self, call=NEVER):
        """What may be there when everything stopped after the call of that number."""
        expected = Expected(self.initial)
        for change in self.changes:
            if change.acknowledged <= call and change.acknowledged != NEVER:
                expected.done(change)
            elif change.asked < call:
                expected.perhaps(change)
            else:
                expected.never(change)
        return expected


class Expected:
    """The values that each thing may have. Changes come in the order in which they were asked; two that touch the same
    thing are never under way together, so what was acknowledged ends the doubt about what was asked before."""

    def __init__(self, values):
        self.allowed = {key: [value] for key, value in values.items()}
        self._open = []

    def done(self, change):
        self.allowed.update({key: [value] for key, value in change.values.items()})

    def perhaps(self, change):
        self._open.append(change)
        for key, value in change.values.items():
            values = self.allowed.setdefault(key, [None])
            if value not in values:
                values.append(value)

    def never(self, change):
        for key in change.values:
            self.allowed.setdefault(key, [None])

    def halves(self, seen):
        """Changes that happened in part. A thing that several changes in doubt touch tells nothing about one of them, nor
        does an upload, which may be found at any step of its end."""
        for change in self._open:
            telling = [key for key, value in change.values.items()
                       if key[0] != "upload" and len(self.allowed[key]) == 2 and self.allowed[key][1] == value]
            if len({seen[key] == change.values[key] for key in telling}) > 1:
                yield f"{change.what} happened in part: {[(key, seen[key] is not None) for key in telling]}"
