#!/usr/bin/env python3
"""The benchmark itself: what it concludes from figures, what it prints and draws, and Berth alone under small load.

Speed is not judged here, and no other server is needed.
"""
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.dom.minidom

import bench
import chart
import facts
import publish
import results
import rows
import table
import work
from row import HIGHER, Row, Turn, cost, limit, rate

TINY = bench.Amounts(turns=1, seconds=0.1, whole_seconds=1, mebibytes=4, pulls=1, images=1, layers=1)
CASES = []


def case(sentence):
    return lambda function: CASES.append((sentence, function)) or function


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} instead of {wanted!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


# --- figures to conclusions

def measured(row, turns):
    """The result of a row whose turns gave {side: [(numbers, latency), …]}."""
    values = results.Values(row, row.sides)
    for side, given in turns.items():
        for numbers, latency in given:
            values.add(side, Turn(numbers, latency), 10.0)
    return values.result()


SAMPLE = Row("sample", "a sample & its <title>", ("berth", "registry", "nginx"),
             (rate("requests/s", registry=40, nginx=1), cost("CPU us/request", registry=0.5)), None)


def sample():
    latency = {"p50": 100.0, "p99": 2000.0, "max": 9000.0}
    slow = {"p50": 300.0, "p99": 1000.0, "max": 20000.0}
    return measured(SAMPLE, {"berth": [((4000, 20), latency), ((8000, 30), slow), ((5000, 10), latency)],
                             "registry": [((100, 50), None)] * 3, "nginx": [((6000, 10), latency)] * 3})


@case("a ratio is of medians, and a goal is met when it is reached")
def _():
    first, second = sample()["metrics"]
    equal(first["medians"], {"berth": 5000, "registry": 100, "nginx": 6000})
    equal(first["ratios"]["registry"], {"ratio": 50, "goal": 40, "met": True})
    equal(first["ratios"]["nginx"]["met"], False)
    equal(second["ratios"]["registry"], {"ratio": 0.4, "goal": 0.5, "met": True})
    equal(second["ratios"]["nginx"], {"ratio": 2, "goal": None, "met": None})


@case("of each percentile it is the median, of the longest the longest")
def _():
    equal(sample()["latency_us"]["berth"], {"p50": 100.0, "p99": 2000.0, "max": 20000.0})
    true("registry" not in sample()["latency_us"], "a latency that nobody took")


@case("a figure that Berth has to keep by itself is judged without another side")
def _():
    row = Row("memory", "memory", ("berth",), (limit("MiB", 10),), None)
    equal([measured(row, {"berth": [((figure,), None)]})["metrics"][0]["limit_met"] for figure in (10, 10.1)], [True, False])


@case("a division by nothing is no ratio, and no goal is met by it")
def _():
    result = results.compare(rate("x", registry=1), {"berth": [1], "registry": [0]})
    equal(result["ratios"]["registry"], {"ratio": None, "goal": 1, "met": None})


@case("a row that gives another number of figures than it has metrics is an error")
def _():
    values = results.Values(SAMPLE, SAMPLE.sides)
    try:
        values.add("berth", (1,), 1)
    except TypeError as error:
        equal(str(error), "row sample: 1 numbers for 2 metrics")
    else:
        raise AssertionError("no error")


@case("goals that were missed are listed with row, unit and side")
def _():
    equal(results.missed([sample()]), [("sample", "requests/s", "nginx")])


# --- what is printed and drawn

@case("the table has a line for each side, with ratio, goal, CPU time, latencies and memory")
def _():
    head, berth, registry, nginx = table.lines(sample())
    equal(head, "a sample & its <title> (sample)")
    equal(berth.split(), "Berth 5,000 requests/s 20.00 CPU us/request 0.10 2.00 10.00".split())
    equal(registry.split(), "docker-registry 2.8 100 requests/s 50.00 >= 40 yes "
          "50.00 CPU us/request 0.40 <= 0.5 yes 10.00".split())
    true(">= 1 NO" in nginx, nginx)


@case("a row that failed says who failed, and why")
def _():
    equal(table.lines(results.failed(SAMPLE, "registry", "no answer"))[1], "  FAILED: docker-registry 2.8: no answer")


def sample_file(*found):
    return {"machine": facts.machine("."), "versions": {"berth": "1"}, "quick": True, "seconds": 1, "rows": list(found)}


@case("the chart is XML that says in words what it shows, for light and dark")
def _():
    document = xml.dom.minidom.parseString(chart.draw(sample_file(sample(), results.failed(SAMPLE, "nginx", "x"))))
    svg = document.documentElement
    equal(svg.getAttribute("role"), "img")
    words = svg.getElementsByTagName("desc")[0].firstChild.data
    equal(words, "How many times better Berth is. a sample & its <title>: 50 times docker-registry 2.8, 0.83 times nginx.")
    true("prefers-color-scheme: dark" in svg.getElementsByTagName("style")[0].firstChild.data, "nothing for the dark")


@case("on the chart what is better is further right, also where less is better")
def _():
    row = Row("p99", "p99", ("berth", "registry", "zot"), (cost("ms", registry=1),), None)
    found = chart.points(measured(row, {"berth": [((10,), None)], "registry": [((100,), None)], "zot": [((5,), None)]}))
    equal(found, [("registry", 10, 1), ("zot", 0.5, None)])
    scale = chart.Scale([0.5, 10])
    true(scale.x(0.5) < scale.x(1) < scale.x(10) <= chart.RIGHT, "not in order")
    true(abs(scale.x(1) - scale.x(0.5) - (scale.x(2) - scale.x(1))) < 0.2, "not logarithmic")


@case("the page for readers gets a table of its rows between its two marks, and nothing else of it changes")
def _():
    before = f"# Title\n\n{publish.BEGIN}\nold\n{publish.END}\nend\n"
    after = publish.replace_table(before, sample_file({**sample(), "row": publish.ROWS[0]}))
    true(after.startswith(f"# Title\n\n{publish.BEGIN}\n| ") and after.endswith(f"{publish.END}\nend\n"), after)
    true("| a sample & its <title> | 5,000 requests/s | 100 | – | 6,000 | 50 × |" in after, after)


# --- rows

@case("every row has a name of its own, a title that fits the chart, and goals against sides that it has")
def _():
    names = [row.name for row in rows.ROWS]
    equal(len(set(names)), len(names))
    for row in rows.ROWS:
        equal(row.sides[0], "berth")
        true(len(row.title) <= chart.LABEL_MAX, f"{row.name}: {len(row.title)} characters: {row.title}")
        for metric in row.metrics:
            true(metric.better == HIGHER or metric.better == "<=", metric.better)
            unknown = set(metric.goals) - set(row.sides)
            true(not unknown, f"{row.name}: goals against {unknown}")


@case("every row that the page for readers shows is there")
def _():
    equal(set(publish.ROWS) - {row.name for row in rows.ROWS}, set())


@contextlib.contextmanager
def tiny_bench():
    folder = tempfile.mkdtemp(prefix="bench-test.", dir=os.environ["BUILD"])
    try:
        bench.prepare(folder)
        yield bench.Bench(folder, True, TINY)
    finally:
        shutil.rmtree(folder)


def alone(row):
    return dataclasses.replace(row, sides=("berth",))


@case("rows of every kind run against Berth and give figures, latencies and memory")
def _():
    with tiny_bench() as tiny:
        for row in rows.ROWS:
            if row.name not in ("manifest-get-auth", "blob-mount", "handshakes", "handshakes-resumed", "tail", "pull-8",
                                "push-4", "small-images", "mixed-both-1", "memory-idle", "catalog-page"):
                continue
            result = bench.run_row(tiny, alone(row))
            true("error" not in result, result.get("error"))
            true(all(metric["medians"]["berth"] >= 0 for metric in result["metrics"]), result)
            true(result["metrics"][0]["medians"]["berth"] > 0 and result["peak_mib"]["berth"] > 1, result)
            if not row.name.startswith(("memory", "catalog")):
                latency = result["latency_us"]["berth"]
                true(0 < latency["p50"] <= latency["p99"] <= latency["p99.9"] <= latency["max"], latency)


@case("a side whose answers are wrong fails its row by name, with the end of its log, and the next row runs")
def _():
    wrong = Row("wrong", "wrong", ("berth",), (rate("x"), cost("y")), work.requests("GET", "/v2/none/tags/list", 200))
    with tiny_bench() as tiny:
        result = bench.run_row(tiny, wrong)
        equal(result["error"]["side"], "berth")
        true(re.search(r"load: status 404 instead of 200\n[\s\S]*end of its log:\n[\s\S]* serves .* with TLS",
                       result["error"]["message"]), result["error"]["message"])
        true("error" not in bench.run_row(tiny, dataclasses.replace(wrong, work=work.requests("GET", "/v2/", 200))), "failed")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


@case("SIGINT in the middle ends it with its servers, and its folder goes")
def _():
    build = tempfile.mkdtemp(prefix="bench-test.", dir=os.environ["BUILD"])
    for name in ("berth", "berth-ca", "bench"):
        os.symlink(os.path.join(os.path.realpath(os.environ["BUILD"]), name), f"{build}/{name}")
    command = [sys.executable, "-B", os.path.join(os.path.dirname(__file__), "bench.py"), f"{build}/results.json", "memory-idle"]
    with subprocess.Popen(command, env={**os.environ, "BUILD": build, "BENCH_QUICK": "1"}, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as program:
        until = time.monotonic() + 30
        while not (servers := [child for child in children(program.pid) if name_of(child) == "berth"]):
            true(time.monotonic() < until, "no server was started")
            time.sleep(0.02)
        program.send_signal(signal.SIGINT)
        equal(program.wait(30), 128 + signal.SIGINT)
    equal([pid for pid in servers if os.path.exists(f"/proc/{pid}")], [])
    equal(sorted(os.listdir(build)), ["bench", "berth", "berth-ca"])
    shutil.rmtree(build)


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def main():
    failures = 0
    for sentence, function in CASES:
        try:
            function()
        except Exception:  # any failure of a case is a failed case
            failures += 1
            print(f"FAILED: {sentence}\n{traceback.format_exc()[-3000:]}")
    print(f"{len(CASES) - failures} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
