"""What a row of the table is: who is compared, in which figures, how work is done, and what a turn of it gives."""
import dataclasses
from typing import Callable

HIGHER, LOWER = ">=", "<="


@dataclasses.dataclass(frozen=True)
class Metric:
    """`goals`: the ratio to reach beside another side; `limit`: a figure that Berth has to keep by itself."""
    unit: str
    better: str
    goals: dict = dataclasses.field(default_factory=dict)
    limit: float = None


def rate(unit, **goals):
    return Metric(unit, HIGHER, goals)


def cost(unit, **goals):
    return Metric(unit, LOWER, goals)


def limit(unit, most):
    return Metric(unit, LOWER, limit=most)


@dataclasses.dataclass(frozen=True)
class Turn:
    """One number per metric of the row, and what the load program says of latencies (microseconds), if it does."""
    numbers: tuple
    latency: dict = None


@dataclasses.dataclass(frozen=True)
class Row:
    """`work(bench, server, turn)` returns a Turn, or its numbers as a tuple.

    Rows share servers that hold the content; `fresh` ones get a new server on an empty folder for every turn. `turns`:
    one is enough for figures that do not vary. `long`: left out of a quick run unless it is asked for by name.
    """
    name: str
    title: str
    sides: tuple
    metrics: tuple
    work: Callable
    fresh: bool = False
    auth: bool = False
    tls: bool = True
    turns: int = None
    long: bool = False
