"""Who takes part, in which version, on which machine."""
import os
import platform
import re
import shutil
import subprocess
import time

NAMES = {"berth": "Berth", "berth-open": "Berth, no auth", "registry": "docker-registry 2.8", "distribution": "distribution 3",
         "zot": "zot", "nginx": "nginx"}


def program(side):
    """The program of a side: those written in Go are in $GO_BIN, when it could be had."""
    if side.startswith("berth"):
        return f"{os.environ['BUILD']}/berth"
    return {"registry": "docker-registry", "nginx": "/usr/sbin/nginx", "distribution": f"{os.environ.get('GO_BIN')}/registry",
            "zot": f"{os.environ.get('GO_BIN')}/zot"}[side]


def present(side):
    """Is it on this machine?"""
    return shutil.which(program(side)) is not None


def version(side):
    option = {"nginx": "-v"}.get(side, "--version")
    result = subprocess.run([program(side), option], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.+~-]*", result.stdout)
    return found[0] if found else result.stdout.strip()[:80]


def versions():
    known = {side: version(side) for side in NAMES if side != "berth-open" and present(side)}
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True, check=False).stdout.strip()
    if commit:
        known["berth"] += f" ({commit})"
    return known


def first(pattern, path):
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found[1].strip() if found else None


def machine(folder):
    """`folder`: where the data is."""
    openssl = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processors": os.cpu_count(),
        "processor": first(r"^model name\s*: (.*)", "/proc/cpuinfo"),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        "kernel": platform.release(),
        "system": first(r'^PRETTY_NAME="?([^"\n]*)', "/etc/os-release"),
        "file_system": subprocess.run(["stat", "-f", "-c", "%T", folder], stdout=subprocess.PIPE, text=True,
                                      check=False).stdout.strip(),
        "openssl": openssl[1] if len(openssl) > 1 else None,
    }
