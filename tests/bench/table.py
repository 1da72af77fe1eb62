"""Prints results: a block of lines for each row, a line for each side."""
from facts import NAMES

HEAD = ("", "", "", "ratio", "goal", "", "", "ratio", "goal", "p50 ms", "p99 ms", "peak MiB")
LINE = "  {:<20}{:>10} {:<14}{:>8} {:<12}{:>10} {:<17}{:>8} {:<12}{:>9}{:>9}{:>10}"


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 100 else f"{value:.2f}"


def goal(metric, side):
    """">= 40 yes": what has to be reached, and whether it was."""
    figure, met = metric["limit"], metric["limit_met"]
    if side != "berth":
        figure, met = (metric["ratios"][side][key] for key in ("goal", "met"))
    return "" if figure is None else f"{metric['better']} {figure:g} {'yes' if met else 'NO'}"


def cells(metric, side):
    ratio = number(metric["ratios"][side]["ratio"]) if side != "berth" else ""
    return [number(metric["medians"][side]), metric["unit"], ratio, goal(metric, side)]


def lines(result):
    """The block of one row."""
    text = [f"{result['title']} ({result['row']})"]
    if "error" in result:
        return text + [f"  FAILED: {NAMES[result['error']['side']]}: {result['error']['message']}"]
    for side in result["sides"]:
        first, *more = [cells(metric, side) for metric in result["metrics"]]
        second = more[0] if more else [""] * 4
        latency = result["latency_us"].get(side, {})
        times = [number(latency[name] / 1e3) if name in latency else "" for name in ("p50", "p99")]
        text.append(LINE.format(NAMES[side], *first, *second, *times, number(result["peak_mib"].get(side))).rstrip())
        text += [LINE.format("", *other, *[""] * 7).rstrip() for other in more[1:]]
    return text


def print_head():
    print(LINE.format(*HEAD).rstrip(), flush=True)


def print_result(result):
    print("\n".join(lines(result)), flush=True)
