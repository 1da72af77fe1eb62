"""Crowds for the scenario of overload: `overload.py WHAT PID`, plain HTTP on port 5000. Prints one line for each failure and one
with figures; the exit status tells."""
import base64
import concurrent.futures
import hashlib
import os
import re
import resource
import socket
import sys
import time

PORT = 5000
LOCAL, OUTSIDE = "127.0.0.1", "192.0.2.1"
GOOD = "Basic " + base64.b64encode(b"alice:correct horse, battery").decode()
PATIENCE = 60
failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what, flush=True)


def connect(host=LOCAL, timeout=PATIENCE):
    return socket.create_connection((host, PORT), timeout=timeout)


def ask(c, method, path, body=b"", authorization=GOOD):
    """(status, head, body) of one request on an open connection; status 0 when it is closed instead."""
    try:
        c.sendall(f"{method} {path} HTTP/1.1\r\nHost: r\r\nAuthorization: {authorization}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        got = b""
        while b"\r\n\r\n" not in got:
            more = c.recv(65536)
            if not more:
                return 0, "", b""
            got += more
        head, rest = got.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        wanted = int(length[1]) if length and method != "HEAD" else 0
        while len(rest) < wanted:
            more = c.recv(65536)
            if not more:
                return 0, "", b""
            rest += more
        return int(head.split()[1]), head.decode(), rest
    except (ConnectionError, socket.timeout):
        return 0, "", b""


def ask_once(*arguments, host=LOCAL, **more):
    with connect(host) as c:
        return ask(c, *arguments, **more)


def push(c, repository, data):
    """The status of a push in two requests."""
    status, head, _ = ask(c, "POST", f"/v2/{repository}/blobs/uploads/")
    if status != 202:
        return status
    place = re.search(r"(?i)\nlocation: (\S+)", head)[1]
    return ask(c, "PUT", f"{place}{'&' if '?' in place else '?'}digest=sha256:{hashlib.sha256(data).hexdigest()}", data)[0]


def state(pid):
    """(open descriptors, resident KiB)"""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return len(os.listdir(f"/proc/{pid}/fd")), int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def settle(pid, before, spare_kib):
    """Descriptors are back to what they were, memory nearly."""
    until = time.monotonic() + PATIENCE
    while state(pid)[0] > before[0] and time.monotonic() < until:
        time.sleep(0.2)
    after = state(pid)
    expect(after[0] <= before[0], f"{after[0]} descriptors, {before[0]} before")
    expect(after[1] <= before[1] + spare_kib, f"{after[1]} KiB, {before[1]} before")
    print(f"descriptors {before[0]} -> {after[0]}, memory {before[1]} -> {after[1]} KiB")


def idle(pid):
    """1,000 idle connections of one address, then 10,000 that come and go."""
    before = state(pid)
    held = [connect(OUTSIDE) for _ in range(1000)]
    expect(all(ask(c, "GET", "/v2/")[0] == 200 for c in held[::100]), "one of a thousand is not served")
    during = state(pid)
    expect(during[0] >= before[0] + 1000, "they are not held")
    expect(ask_once("GET", "/v2/", host=OUTSIDE)[0] == 0, "the address has one more than it may")
    expect(ask_once("GET", "/v2/")[0] == 200, "another address is not served")
    began = time.monotonic()
    for n in range(10000):
        c = connect()
        if n % 100 == 0:
            expect(ask(c, "GET", "/v2/")[0] == 200, f"connect {n} is not served")
        c.close()
    print(f"10,000 connects in {time.monotonic() - began:.1f} s beside {during[1] - before[1]} KiB for 1,000 idle ones")
    expect(all(ask(c, "GET", "/v2/")[0] == 200 for c in held[::100]), "one of those who were idle is not served any more")
    for c in held:
        c.close()
    time.sleep(0.5)
    expect(ask_once("GET", "/v2/", host=OUTSIDE)[0] == 200, "the address is not served again")
    settle(pid, before, 60000)


def few(pid):
    """More clients than 256 descriptors are for: who is connected pushes and pulls, the others wait, and get their turn."""
    before = state(pid)
    granted = int(sys.argv[3])
    held = [connect() for _ in range(granted)]
    expect(all(ask(c, "GET", "/v2/")[0] == 200 for c in held), "not all that are granted are served")
    waiting = [connect() for _ in range(200)]
    with concurrent.futures.ThreadPoolExecutor(granted) as pool:
        data = [os.urandom(200000) for _ in range(granted)]
        results = list(pool.map(lambda pair: push(pair[0], "few/a", pair[1]), zip(held, data)))
        expect(results == [201] * granted, f"pushes: {sorted(set(results))}")
        got = list(pool.map(lambda pair: ask(pair[0], "GET", f"/v2/few/a/blobs/sha256:{hashlib.sha256(pair[1]).hexdigest()}")[2] == pair[1], zip(held, data)))
        expect(all(got), "a pull is not whole")
    expect(state(pid)[0] < 256, "more descriptors than there are")
    for c in held:
        c.close()
    served = 0
    for c in waiting:
        served += ask(c, "GET", "/v2/")[0] == 200
        c.close()
    expect(served == len(waiting), f"{served} of {len(waiting)} who waited are served")
    settle(pid, before, 60000)


def guess(pid):
    """2,000 wrong passwords at once, with somebody who is logged in beside them."""
    before = state(pid)
    people = [connect() for _ in range(2000)]
    wrong = [base64.b64encode(f"alice:wrong {n}".encode()).decode() for n in range(len(people))]
    for c, word in zip(people, wrong):
        c.sendall(f"GET /v2/ HTTP/1.1\r\nHost: r\r\nAuthorization: Basic {word}\r\n\r\n".encode())
    slowest = 0
    for _ in range(20):
        began = time.monotonic()
        expect(ask_once("GET", "/v2/_catalog")[0] == 200, "who is logged in is not served")
        slowest = max(slowest, time.monotonic() - began)
    answers = {}
    for c in people:
        status = int((c.recv(65536) or b"- 0").split()[1])
        answers[status] = answers.get(status, 0) + 1
        c.close()
    print(f"answers {answers}; the slowest good one {slowest * 1000:.0f} ms")
    expect(set(answers) <= {401, 429, 503} and sum(answers.values()) == 2000, f"answers: {answers}")
    settle(pid, before, 60000)


def queue(pid):
    """The disk stands still: what has begun waits and ends well, what is new is put off, and goes through when tried again."""
    before = state(pid)
    pieces = 40
    begun = [connect() for _ in range(4)]
    places = [re.search(r"(?i)\nlocation: (\S+)", ask(c, "POST", "/v2/queue/a/blobs/uploads/")[1])[1] for c in begun]
    body = os.urandom(1 << 20)
    for c, place in zip(begun, places):  # half of a PATCH
        c.sendall(f"PATCH {place} HTTP/1.1\r\nHost: r\r\nAuthorization: {GOOD}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:500000])
    with concurrent.futures.ThreadPoolExecutor(pieces * 2) as pool:
        def once(n):
            with connect() as c:
                return push(c, "queue/a", b"%d" % n)
        results = list(pool.map(once, range(pieces * 2)))
        for c in begun:
            c.sendall(body[500000:])
        ends = [int((c.recv(65536) or b"- 0").split()[1]) for c in begun]
    expect(set(results) <= {201, 503}, f"pushes: {sorted(set(results))}")
    expect(503 in results, "nothing was put off")
    expect(201 in results, "nothing went through")
    expect(ends == [202] * len(begun), f"what had begun: {ends}")
    for n, result in enumerate(results):
        tries = 0
        while result == 503 and tries < 100:
            time.sleep(0.1)
            result, tries = once(n), tries + 1
        expect(result == 201, f"push {n} tried again: {result}")
    status, head, answer = ask_once("GET", "/v2/")
    expect(status == 200, f"{status} {head} {answer}")
    for c in begun:
        c.close()
    print(f"put off {results.count(503)} of {len(results)}")
    settle(pid, before, 60000)


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
{"idle": idle, "few": few, "guess": guess, "queue": queue}[sys.argv[1]](int(sys.argv[2]))
sys.exit(1 if failures else 0)
