"""A disk that forgets. It is given the record of a run (shim_record.c), call by call, and says what may be on it when the
power goes: everything that an fsync has confirmed, and of the rest whatever the disk and the file system please.

What is promised (POSIX, and what Linux's file systems keep of it):
    fsync, fdatasync of a file    its bytes and its length; not its name
    fsync of a directory          the names in it; not what the files hold
    a write with O_DSYNC          that write, when it returns
    rename                        is never seen half done within one directory. Across two, the old name is gone only
                                  where the new one is there; both may be
What is not confirmed is lost or kept in pieces: names one by one, bytes by sectors of 512.
"""
import dataclasses
import os
import stat
import struct

from control import KINDS

SECTOR = 512
HEAD = struct.Struct("=IIIIQQqQ")
CREATED, TRUNCATED, DSYNC = 1, 2, 4


@dataclasses.dataclass
class Record:
    kind: str
    flags: int
    path: str
    to: str
    inode: int
    offset: int
    result: int
    data: bytes


def read_records(file):
    """All records of a run, in order."""
    with open(file, "rb") as stream:
        content = stream.read()
    records, at = [], 0
    while at < len(content):
        kind, flags, path_n, to_n, inode, offset, result, data_n = HEAD.unpack_from(content, at)
        at += HEAD.size
        parts = []
        for length in (path_n, to_n, data_n):
            parts.append(content[at:at + length])
            at += length
        records.append(Record(KINDS[kind], flags, parts[0].decode(), parts[1].decode(), inode, offset, result, parts[2]))
    return records


@dataclasses.dataclass(eq=False)
class File:
    safe: bytes = b""
    pending: list = dataclasses.field(default_factory=list)  # (offset, bytes, is it safe) or (length, None, False)


@dataclasses.dataclass(eq=False)
class Folder:
    safe: dict = dataclasses.field(default_factory=dict)  # names that an fsync has confirmed
    now: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False)
class Naming:
    """One change of names in one folder: {name: what it names, or None}. It happens only after `after` has."""
    folder: Folder
    names: dict
    after: object = None


def apply_names(names, changes):
    for name, thing in changes.items():
        if thing is None:
            names.pop(name, None)
        else:
            names[name] = thing


def overwrite(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def content_of(file, survives):
    """survives(first byte): does this sector of a pending write? Or this change of length?"""
    content = bytearray(file.safe)
    for offset, data, safe in file.pending:
        if data is None:
            if survives(offset):
                del content[offset:]
                content.extend(bytes(offset - len(content)))
            continue
        at = 0
        while at < len(data):
            end = min(len(data), at + SECTOR - (offset + at) % SECTOR)
            if safe or survives(offset + at):
                overwrite(content, offset + at, data[at:end])
            at = end
    return bytes(content)


class Disk:
    """Begins as the tree below `root`, all of it safe."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.things = {}  # by inode number, as long as it is in use
        self.naming = []  # pending changes of names, the oldest first
        self.top = self._load(self.root)

    def _load(self, path):
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            thing = Folder({name: self._load(os.path.join(path, name)) for name in os.listdir(path)})
            thing.now = dict(thing.safe)
        else:
            with open(path, "rb") as file:
                thing = File(file.read())
        self.things[status.st_ino] = thing
        return thing

    # ---- what happens ----

    def _folder_of(self, path):
        folder, parts = self.top, os.path.relpath(path, self.root).split("/")
        for part in parts[:-1]:
            folder = folder.now[part]
        return folder, parts[-1]

    def _name(self, path, thing, after=None):
        folder, name = self._folder_of(path)
        naming = Naming(folder, {name: thing}, after)
        apply_names(folder.now, naming.names)
        self.naming.append(naming)
        return naming

    def _rename(self, record):
        folder, name = self._folder_of(record.path)
        to_folder, to_name = self._folder_of(record.to)
        thing = folder.now[name]
        if folder is to_folder:
            naming = Naming(folder, {name: None, to_name: thing})
            apply_names(folder.now, naming.names)
            self.naming.append(naming)
        else:
            self._name(record.path, None, after=self._name(record.to, thing))

    def _sync(self, thing):
        if isinstance(thing, File):
            thing.safe = content_of(thing, lambda _: True)
            thing.pending = []
        elif thing is not None:
            for naming in [naming for naming in self.naming if naming.folder is thing]:
                self._settle(naming)

    def _settle(self, naming):
        if naming.after in self.naming:
            self._settle(naming.after)
        apply_names(naming.folder.safe, naming.names)
        self.naming.remove(naming)

    def apply(self, record):
        """One call has been made."""
        if record.result < 0 or record.kind in ("open", "send", "hint", "attributes"):
            return
        if record.kind in ("create", "mkdir"):
            if record.flags & TRUNCATED:
                self.things[record.inode].pending.append((0, None, False))
                return
            thing = self.things[record.inode] = Folder() if record.kind == "mkdir" else File()
            self._name(record.path, thing)
        elif record.kind == "write":
            self.things[record.inode].pending.append((record.offset, record.data, bool(record.flags & DSYNC)))
        elif record.kind == "truncate":
            self.things[record.inode].pending.append((record.offset, None, False))
        elif record.kind == "sync":
            self._sync(self.things.get(record.inode))
        elif record.kind == "rename":
            self._rename(record)
        elif record.kind in ("unlink", "rmdir"):
            self._name(record.path, None)
        else:
            raise ValueError(f"no model of {record}")

    # ---- what is left ----

    def _tree(self, names_of, content):
        folders, files = ["."], {}
        left = [("", self.top)]
        while left:
            path, folder = left.pop()
            for name, thing in names_of[folder].items() if folder in names_of else folder.safe.items():
                below = os.path.join(path, name)
                if isinstance(thing, Folder):
                    folders.append(below)
                    left.append((below, thing))
                else:
                    files[below] = content(thing)
        return sorted(folders), files

    def _names_after(self, chosen):
        names_of = {}
        happened = set()
        for naming in self.naming:
            if naming in chosen and (naming.after is None or naming.after not in self.naming or naming.after in happened):
                happened.add(naming)
                apply_names(names_of.setdefault(naming.folder, dict(naming.folder.safe)), naming.names)
        return names_of

    def all_lost(self, _random):
        """Nothing that was not confirmed."""
        return self._tree({}, lambda file: content_of(file, lambda _: False))

    def torn(self, random):
        """Each name and each sector by itself."""
        names_of = self._names_after({naming for naming in self.naming if random.random() < 0.5})
        return self._tree(names_of, lambda file: content_of(file, lambda _: random.random() < 0.5))

    def ordered(self, random):
        """A journal that keeps names in order, and files whose bytes come in order, but later than their names."""
        names_of = self._names_after(set(self.naming[:random.randint(0, len(self.naming))]))

        def content(file):
            left = random.randint(0, len(file.pending))
            return content_of(File(file.safe, file.pending[:left] + [entry for entry in file.pending[left:] if entry[2]]),
                              lambda _: True)
        return self._tree(names_of, content)

    def names_without_bytes(self, _random):
        """Every name, and nothing of what was written to the files since."""
        return self._tree(self._names_after(set(self.naming)), lambda file: content_of(file, lambda _: False))


STATES = {"lost": Disk.all_lost, "torn": Disk.torn, "ordered": Disk.ordered, "names only": Disk.names_without_bytes}
