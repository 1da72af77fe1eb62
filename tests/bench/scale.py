#!/usr/bin/env python3
"""How figures grow with what a registry holds: one table for each part.
usage: scale.py WORK-FOLDER RESULTS-FILE [PART]...

Registries are made by the scale program; `scale_parts.PARTS` says what is asked of them. With BENCH_QUICK they are small,
so that the program itself is tried; such figures say nothing about size.
"""
import json
import os
import signal
import sys

from scale_parts import PARTS, Scale


def print_table(title, columns, lines):
    widths = [max(len(str(line[i])) for line in [columns, *lines]) for i in range(len(columns))]
    print(f"\n{title}")
    for line in [columns, *lines]:
        cells = [f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}" for i, (cell, width) in enumerate(zip(line, widths))]
        print("  " + "  ".join(cells), flush=True)


def shown(value):
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else value


def main(work, results_file, *names):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = [part for part in PARTS if not names or part.__name__ in names]
    if not parts:
        sys.exit(f"no part is named like {' '.join(names)}; there are {' '.join(part.__name__ for part in PARTS)}")
    scale, results = Scale(work, bool(os.environ.get("BENCH_QUICK"))), {}
    for part in parts:
        for title, columns, lines in part(scale):
            print_table(title, columns, [[shown(value) for value in line] for line in lines])
            results[title] = {"columns": columns, "lines": lines}
        with open(results_file, "w", encoding="utf-8") as file:
            json.dump({"quick": scale.quick, "tables": results}, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
