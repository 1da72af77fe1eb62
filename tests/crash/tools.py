#!/usr/bin/env python3
"""The programs beside the server, killed before and after every call, and with every call failing: `berth gc` over a data
directory that no server holds, and berth-user replacing a file of passwords."""
import functools
import os
import pathlib
import signal
import subprocess
import sys

import control
import points
import registry
import verify
import workload
from ledger import Ledger
from registry import BUILD, Registry
from workload import Scenario, content, digest_of, image_of

USERS = "users"
ACTIONS = [("killed before", control.KILL_BEFORE, 0), ("killed after", control.KILL_AFTER, 0),
           ("ENOSPC", control.FAIL, control.ERRORS["ENOSPC"]), ("EIO", control.FAIL, control.ERRORS["EIO"])]


def run(program, root, folder, action=control.NONE, number=0, error=0, text=None):
    """The program under the shim; (exit status, what it said, the control words)."""
    words = control.Control(os.path.join(folder, "control"), control.CHANGING)
    words.act(action, number, number, error, control.FAILING)
    result = subprocess.run(program, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                            env={**os.environ, **registry.shim_environment(root, words)}, timeout=registry.PATIENCE * 4)
    return result.returncode, result.stdout, words


def check_ending(action, code, said, hits):
    """A program that was not killed succeeds, or says why not."""
    if action in (control.KILL_BEFORE, control.KILL_AFTER):
        return [] if code == (-signal.SIGKILL if hits else 0) else [f"it ended with {code}: {said}"]
    return [] if code == 0 or (code == 1 and said.strip() and hits) else [f"it ended with {code}: {said}"]


# ---- gc ----


def prepare_garbage(client):
    workload.prepare_sweep(client)
    untagged = client.push_image("swept/app", None, "untagged")
    client.ledger.allow(("manifest", "swept/app", digest_of(untagged)), None)
    for name, size in (("config", 300), ("layer", 1000)):
        client.ledger.allow(("blob", "swept/app", digest_of(content(f"untagged {name}", size))), None)


GARBAGE = Scenario("gc", prepare_garbage, [])


def garbage_ledger(prepared):
    """What is kept, and what may go."""
    ledger = Ledger(prepared.values)
    untagged = image_of(content("untagged config", 300), [content("untagged layer")])
    ledger.allow(("manifest", "swept/app", digest_of(untagged)), None)
    for key, value in prepared.values.items():
        loose = key[0] == "blob" and (key[1].startswith("swept/loose") or digest_of(value) in untagged.decode())
        if loose:
            ledger.allow(key, None)
    return ledger


def gc_program(folder):
    configuration = os.path.join(folder, "gc.yml")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(registry.CONFIG.format(data=os.path.join(folder, "data"), port=5000, sweeping=registry.RESTING))
    return [f"{BUILD}/berth", "gc", configuration, "--grace", "0s", "--delete-untagged"]


def check_store(folder, ledger):
    server = Registry(folder)
    try:
        server.start()
        wrong = verify.check_things(server, ledger.at(), False, False)[1]
        server.stop()
        return wrong + verify.check_metadata(server.data)
    finally:
        server.stop(signal.SIGKILL)


def attempt_gc(prepared, point):
    (_, action, error), number = point
    folder = prepared.copy()
    data = os.path.join(folder, "data")
    wrong = []
    try:
        code, said, words = run(gc_program(folder), data, folder, action, number, error)
        wrong = check_ending(action, code, said, words.hits)
        wrong += check_store(folder, garbage_ledger(prepared))
        code, said, _ = run(gc_program(folder), data, folder)
        if code != 0:
            wrong.append(f"gc once more: {said}")
        code, said, _ = run([*gc_program(folder), "--dry-run"], data, folder)
        if not said.endswith("0 blobs would be removed, 0 bytes (0 in bytes) would be freed\n"):
            wrong.append(f"after gc there is still something to do: {said}")
        return wrong + check_store(folder, garbage_ledger(prepared))
    finally:
        points.keep_for_a_look(folder, wrong)


# ---- the file of passwords ----


def user_program(folder, verb, name):
    return [f"{BUILD}/berth-user", verb, name, "--file", os.path.join(folder, "data", USERS), "--password-stdin"]


def prepare_users():
    folder = registry.scratch()
    os.mkdir(os.path.join(folder, "data"))
    try:
        for name in ("alice", "bob"):
            subprocess.run(user_program(folder, "add", name), input="an old password\n", text=True, check=True,
                           stdout=subprocess.DEVNULL)
        return pathlib.Path(folder, "data", USERS).read_bytes()
    finally:
        registry.remove(folder)


def place_users(old):
    folder = registry.scratch()
    os.mkdir(os.path.join(folder, "data"))
    pathlib.Path(folder, "data", USERS).write_bytes(old)
    return folder


def check_users(old, now, code):
    """Old or new as a whole; new if the program said so."""
    if now == old:
        return ["a new password was acknowledged and is not there"] if code == 0 else []
    lines, before = now.split(b"\n"), old.split(b"\n")
    if len(lines) != len(before) or lines[1:] != before[1:] or not lines[0].startswith(b"alice:$argon2id$"):
        return [f"the file is neither the old nor the new one: {now!r}"]
    return []


def attempt_users(old, point):
    (_, action, error), number = point
    folder = place_users(old)
    file = pathlib.Path(folder, "data", USERS)
    wrong = []
    try:
        program = user_program(folder, "passwd", "alice")
        code, said, words = run(program, file.parent, folder, action, number, error, "a new password\n")
        wrong = check_ending(action, code, said, words.hits) + check_users(old, file.read_bytes(), code)
        now = file.read_bytes()
        code, said, _ = run(program, file.parent, folder, text="a third password\n")
        if code != 0 or file.read_bytes() == now:
            wrong.append(f"it does not work any more: {said}")
        return wrong
    finally:
        points.keep_for_a_look(folder, wrong)


# ---- all of it ----


def main():
    passed = failed = 0
    prepared, old = points.Prepared(GARBAGE), prepare_users()
    folder = prepared.copy()
    gc_calls = run(gc_program(folder), os.path.join(folder, "data"), folder)[2].calls
    registry.remove(folder)
    folder = place_users(old)
    user_calls = run(user_program(folder, "passwd", "alice"), os.path.join(folder, "data"), folder, text="x y z 1 2 3\n")[2].calls
    registry.remove(folder)
    for title, calls, attempt in (("gc", gc_calls, functools.partial(attempt_gc, prepared)),
                                  ("berth-user", user_calls, functools.partial(attempt_users, old))):
        every = [(action, number) for number in range(1, calls + 1) for action in ACTIONS]
        good, bad = points.try_all(f"tools, {title}", every, attempt)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
