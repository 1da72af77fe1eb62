#!/usr/bin/env python3
"""Can the time of a refusal tell whether a user exists?

usage: guess_timing.py alike|different PREFIX

PREFIX-00 … PREFIX-19 are users of the server at 127.0.0.1:5000, PREFIX-50 … PREFIX-69 are not. Pairs of wrong passwords, one for
each kind in random order, are compared by Wilcoxon's signed-rank test: `alike` demands that it cannot tell them apart, and can
once one of the two is made 15 % slower; `different` that it tells them apart as they are. A machine may be busy in the wrong
moment: three tries.
"""
import base64
import os
import random
import statistics
import sys
import time

sys.path.insert(0, f"{os.environ['TESTS']}/wire")
# pylint: disable-next=wrong-import-position
from client import Connection, Failed  # noqa: E402

PAIRS, TRIES, ARTIFICIAL = 400, 3, 1.15
CERTAIN = 3.3  # standard deviations: once in a thousand by chance


def guess(connection, name):
    """Seconds, and the answer without its date and number."""
    password = f"{random.getrandbits(80):020x}"
    request = connection.compose("GET", "/v2/", [("Authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())])
    began = time.perf_counter()
    connection.send(request)
    answer = connection.answer()
    took = time.perf_counter() - began
    headers = {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}
    if answer.status != 401 or answer.error_code() != "UNAUTHORIZED":
        raise Failed(f"not refused: {answer!r}")
    return took, (answer.status, headers, answer.body)


def sample(prefix):
    """(seconds of a known name, of an unknown one) for each pair."""
    pairs, answers = [], []
    with Connection(("127.0.0.1", 5000), None) as connection:
        for warm_up_and_pair in range(-20, PAIRS):
            n = random.randrange(20)
            names = [f"{prefix}-{n:02}", f"{prefix}-{n + 50}"]
            order = random.sample((0, 1), 2)
            took = [0, 0]
            for i in order:
                took[i], answer = guess(connection, names[i])
                answers.append(answer)
            if warm_up_and_pair >= 0:
                pairs.append(took)
    for answer in answers:
        if answer != answers[0]:
            raise Failed(f"the answers differ in more than their time: {answer} and {answers[0]}")
    return pairs


def signed_rank(pairs):
    """Wilcoxon: standard deviations by which the first of each pair is slower (positive) or faster than chance allows."""
    differences = sorted((first - second for first, second in pairs if first != second), key=abs)
    n = len(differences)
    ranks = sum(rank for rank, difference in enumerate(differences, 1) if difference > 0)
    return (ranks - n * (n + 1) / 4) / (n * (n + 1) * (2 * n + 1) / 24) ** 0.5


def interval(pairs):
    """The middle 99 % of medians of the relative difference, resampled."""
    typical = statistics.median(second for _, second in pairs)
    relative = [(first - second) / typical for first, second in pairs]
    medians = sorted(statistics.median(random.choices(relative, k=len(relative))) for _ in range(400))
    return medians[2], statistics.median(relative), medians[-3]


def attempt(what, prefix):
    pairs = sample(prefix)
    honest = signed_rank(pairs)
    slowed = signed_rank([(first * ARTIFICIAL, second) for first, second in pairs])
    low, middle, high = interval(pairs)
    known, unknown = (statistics.median(column) * 1000 for column in zip(*pairs))
    print(f"{prefix}: known {known:.3f} ms, unknown {unknown:.3f} ms (medians of {PAIRS} pairs); difference {middle:+.2%} "
          f"({low:+.2%} … {high:+.2%}); test {honest:+.1f}, with {ARTIFICIAL - 1:.0%} added {slowed:+.1f}, limit {CERTAIN}")
    if what == "different":
        return abs(honest) > CERTAIN
    return abs(honest) <= CERTAIN < slowed


def main():
    what, prefix = sys.argv[1:]
    sys.exit(0 if any(attempt(what, prefix) for _ in range(TRIES)) else 1)


if __name__ == "__main__":
    main()
