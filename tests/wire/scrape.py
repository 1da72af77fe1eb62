"""What Prometheus sees: the server's other port, http.debug.addr, and the metrics there, read strictly."""
import re
import socket

import wire
from client import Connection


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


PORT = free_port()

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'


def ask(method, path, headers=(), body=None):
    with Connection(("127.0.0.1", PORT), None) as c:
        return c.ask(method, path, headers, body)


def parse(text):
    """Reads exposition format 0.0.4 strictly, and what promtool would complain about: samples by (name, labels), types by name."""
    samples, types, helps, family, seen = {}, {}, {}, None, set()
    wire.true(text.endswith("\n"), "the last line does not end")
    for line in text.split("\n")[:-1]:
        comment = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if comment:
            kind, name, rest = comment.groups()
            if kind == "HELP":
                wire.true(name not in helps, f"two HELP lines: {line}")
                helps[name] = rest
            else:
                wire.true(name in helps and name not in types, f"TYPE without HELP, or twice: {line}")
                wire.one_of(rest, ("counter", "gauge", "histogram"))
                wire.equal(name.endswith("_total"), rest == "counter", line)
                types[name] = rest
            family = name
            continue
        sample = re.fullmatch(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)", line)
        wire.true(sample, f"not a line of the format: {line!r}")
        name, labels, value = sample[1], re.findall(LABEL, sample[2] or ""), float(sample[sample.re.groups])
        wire.true(family in types, f"a sample without TYPE: {line}")
        suffixes = ("_bucket", "_sum", "_count") if types[family] == "histogram" else ("",)
        wire.one_of(name, [family + suffix for suffix in suffixes])
        wire.equal(len({key for key, _ in labels}), len(labels), f"a label twice: {line}")
        key = (name, tuple(sorted(labels)))
        wire.true(key not in samples, f"a sample twice: {line}")
        wire.true(types[family] == "gauge" or value >= 0, f"a counter below zero: {line}")
        seen.add(family)
        samples[key] = value
    wire.true(samples, "no sample")
    wire.equal(set(types), seen, "families without samples")
    return samples


def metrics():
    answer = ask("GET", "/metrics")
    wire.equal((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"), answer)
    return parse(answer.body.decode())


def value(samples, name, **labels):
    key = (name, tuple(sorted(labels.items())))
    wire.true(key in samples, f"no sample {key}")
    return samples[key]


def grown(what, name, **labels):
    """By how much a counter grows while `what` runs."""
    key = (name, tuple(sorted(labels.items())))
    before = metrics().get(key, 0)
    what()
    return metrics().get(key, 0) - before
