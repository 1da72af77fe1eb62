#!/usr/bin/env python3
"""Reads the report of a conformance run strictly, and says what did not pass.

usage: report.py FOLDER [--disabled NAME]... [--skipped NAME]...

FOLDER holds junit.xml, and results.yaml where the program writes one. Every case must have passed. --disabled names
what this run's configuration turns off; --skipped names a case that is the other branch of one that must pass. Each
must then really be disabled or skipped, so that the lists cannot grow stale. A missing or empty report is a failure.
The last line is "N passed, N failed".
"""
import argparse
import os
import sys
import xml.etree.ElementTree as ElementTree

OFF = "disabled by user configuration"


def said(case):
    return " ".join(" ".join(part.itertext()) for part in case if part.tag != "system-err")


def read_cases(path, skips, problems):
    """How many cases of a junit.xml passed; what did not goes into problems."""
    passed, skipped = 0, set()
    root = ElementTree.parse(path).getroot()
    for case in root.iter("testcase"):
        name, status = case.get("name"), case.get("status")
        if case.find("failure") is not None or case.find("error") is not None:
            status = "failed"
        if status == "passed":
            passed += 1
        elif status == "skipped" and OFF in said(case):
            continue
        elif status == "skipped" and any(skip in name for skip in skips):
            skipped.update(skip for skip in skips if skip in name)
        else:
            problems.append(f"{status}: {name}: {said(case).strip()[:300]}")
    for skip in set(skips) - skipped:
        problems.append(f"expected to be skipped, was not: {skip}")
    for element in root.iter():
        for kind in ("failures", "errors"):
            if int(element.get(kind) or 0) > 0 and not problems:
                problems.append(f"{element.get(kind)} {kind} in {element.tag}")
    if not passed:
        problems.append(f"no case passed in {path}")
    return passed


def read_results(path, disabled, problems):
    """How many lines of results.yaml's `apis` and `data` pass: "  NAME: STATUS" below either."""
    passed, section, seen = 0, None, set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.startswith(" "):
                section = line.strip().rstrip(":")
            elif section in ("apis", "data"):
                name, status = (word.strip() for word in line.rsplit(":", 1))
                if status == "Pass":
                    passed += 1
                elif status == "Disabled" and name in disabled:
                    seen.add(name)
                else:
                    problems.append(f"{status}: {section}: {name}")
    for name in set(disabled) - seen:
        problems.append(f"expected to be disabled, was not: {name}")
    if not passed:
        problems.append(f"nothing passed in {path}")
    return passed


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder")
    arguments.add_argument("--yaml", action="store_true", help="results.yaml must be there")
    arguments.add_argument("--disabled", action="append", default=[])
    arguments.add_argument("--skipped", action="append", default=[])
    wanted = arguments.parse_args()
    problems, passed = [], 0
    try:
        passed += read_cases(os.path.join(wanted.folder, "junit.xml"), wanted.skipped, problems)
        if wanted.yaml:
            passed += read_results(os.path.join(wanted.folder, "results.yaml"), wanted.disabled, problems)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        problems.append(f"no report: {error}")
    for problem in problems:
        print(problem)
    print(f"{passed} passed, {len(problems)} failed")
    sys.exit(1 if problems else 0)


main()
