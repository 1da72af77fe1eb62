"""Rows about lists in a registry that is not small: deep in the catalog, and deep in the tags of a repository."""
import os
import subprocess

from row import Row, cost, limit
from scale_parts import fill_peer, repository
from scale_world import page, slow_page

# Others keep what they list in folders of one layout.
SIDES = ("berth", "registry", "distribution")
REPOSITORIES, TAGS = 10_000, 20_000


def fill(server):
    if server.side == "berth":
        for kind, count in (("repositories", REPOSITORIES), ("tags", TAGS)):
            subprocess.check_output([f"{os.environ['BUILD']}/bench/scale", server.root, kind, str(count)])
    else:
        fill_peer(server.root, REPOSITORIES, TAGS)
    os.sync()


def listing(path):
    """One connection asks for the same page again and again, of a registry that was made beneath it."""
    def work(bench, server, _):
        server.stop()
        fill(server)
        where = path.format(repository=repository(REPOSITORIES * 9 // 10), tag=f"v{TAGS * 9 // 10:07}")
        # What follows a turn asks for a server that runs.
        server.__enter__()
        ask = page if server.side == "berth" else slow_page
        ask(server, where, 1)
        median, _, cpu = ask(server, where, bench.amounts.whole_seconds)
        return median, cpu
    return work


PAGE = (cost("us, median", registry=0.01, distribution=0.01), limit("CPU us/request", 1000))
SCALE = (
    Row("catalog-page", "100 of 10,000 repositories, deep in the catalog", SIDES, PAGE,
        listing("/v2/_catalog?n=100&last={repository}"), fresh=True, turns=1),
    Row("tags-page", "100 of 20,000 tags, deep in the list", SIDES, PAGE,
        listing("/v2/scale/tags/tags/list?n=100&last={tag}"), fresh=True, turns=1),
)
