#!/usr/bin/env python3
"""What monitoring ships: is the dashboard one that Grafana takes, and does everything that is named exist?
usage: monitoring.py dashboard FILE       complains of what Grafana would stumble over
       monitoring.py rules FILE           the dashboard's expressions as recording rules, for `promtool check rules`
       monitoring.py names METRICS FILE…  complains of metrics that a file names and the answers in METRICS do not have
"""
import json
import re
import sys

VARIABLES = {"$__rate_interval": "5m", "$__interval": "5m"}  # what Grafana puts in place; others are within quotes


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard):
    """(where, expression)"""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for note in dashboard["annotations"]["list"]:
        yield f"annotation {note['name']}", note["expr"]


def overlaps(a, b):
    a, b = a["gridPos"], b["gridPos"]
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def dashboard_faults(dashboard):
    panels = list(panels_of(dashboard))
    variables = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    if dashboard["schemaVersion"] < 36 or dashboard.get("id") is not None:
        yield "is not of Grafana 9 or later, or is bound to one Grafana"
    if variables.get("datasource") != "datasource":
        yield "has no variable for the data source"
    ids = [panel["id"] for panel in panels]
    if len(set(ids)) != len(ids):
        yield "has an id twice"
    for i, panel in enumerate(panels):
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"{panel['title']} is wider than the screen"
        for other in panels[i + 1:]:
            if overlaps(panel, other):
                yield f"{panel['title']} and {other['title']} overlap"
        if panel["type"] == "row":
            continue
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        if not panel["targets"] or any(source != {"type": "prometheus", "uid": "${datasource}"} for source in sources):
            yield f"{panel['title']} asks nobody, or another data source"
        refs = [target["refId"] for target in panel["targets"]]
        if len(set(refs)) != len(refs):
            yield f"{panel['title']} has two queries of one name"
    for where, expression in expressions(dashboard):
        for name in re.findall(r"\$(\w+)", expression):
            if name not in variables and "$" + name not in VARIABLES:
                yield f"{where} has the variable {name}, which there is not"


def rules(dashboard):
    print("groups:\n  - name: dashboard\n    rules:")
    for i, (where, expression) in enumerate(expressions(dashboard)):
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        print(f"      - record: dashboard:expression_{i}:check # {where}\n        expr: {json.dumps(expression)}")


def unknown_names(metrics, text):
    there = set(re.findall(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{| )", metrics, re.M))
    named = set(re.findall(r"\b(?:berth|process)_[a-z0-9_]+\b", text))
    if not named:
        yield "no metric at all is named"
    for name in sorted(named):
        if name not in there and name + "_bucket" not in there:
            yield name


def main(command, *arguments):
    if command == "rules":
        rules(load(arguments[0]))
        return 0
    faults = list(dashboard_faults(load(arguments[0]))) if command == "dashboard" else []
    if command == "names":
        with open(arguments[0], encoding="utf-8") as file:
            metrics = file.read()
        for path in arguments[1:]:
            with open(path, encoding="utf-8") as file:
                faults += [f"{path}: {name}" for name in unknown_names(metrics, file.read())]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
