"""``make interop``: call the stand-in with other people's clients, and compare what comes."""

import argparse
import sys
from collections.abc import Iterator

import numpy as np

from rerank_course.service.stand_in import StandIn
from tools.interop.environments import ENVIRONMENTS, ROOT
from tools.interop.page import write_page
from tools.interop.reporting import DOCUMENTS, QUERY
from tools.interop.runs import Row, of_curl, of_node, of_python

PAGE = ROOT / "docs" / "interop.md"
GROUPS = ("curl", "node", *(environment.name for environment in ENVIRONMENTS))


def main(arguments: list[str] | None = None) -> int:
    """Make all calls, print them and, unless only some were asked for, write ``docs/interop.md``.

    Returns:
        0 if each gave what it should, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.interop", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    options = parser.parse_args(arguments)
    rows = []
    with StandIn() as service:
        for row in _calls(_settings(service), options.only or GROUPS):
            print(_line(row), flush=True)
            rows.append(row)
    wrong = [row for row in rows if not row.ok]
    print(f"\n{len(rows)} calls, {len(rows) - len(wrong)} as expected")
    for row in wrong:
        print(f"{row.client} {row.version}, {row.call}\n    expected {row.expected}\n    got      {row.got}")
    if not options.only:
        write_page(PAGE, rows)
    return 1 if wrong else 0


def _settings(service: StandIn) -> dict:
    """What every client has to know: the address, the key, and each document's right score."""
    logits = np.asarray(service.score_pairs([(QUERY, text) for text in DOCUMENTS]), dtype=float)
    return {
        "url": service.url,
        "key": service.key,
        "query": QUERY,
        "documents": DOCUMENTS,
        "logits": logits.tolist(),
        "scores": (1 / (1 + np.exp(-logits))).tolist(),
    }


def _calls(settings: dict, groups: tuple[str, ...] | list[str]) -> Iterator[Row]:
    if "curl" in groups:
        yield from of_curl(settings)
    if "node" in groups:
        yield from of_node(settings)
    for environment in ENVIRONMENTS:
        if environment.name in groups:
            yield from of_python(environment, settings)


def _line(row: Row) -> str:
    mark = "ok" if row.ok else "NO"
    return f"{mark}  {row.client:33.33} {row.version:9.9} {row.call:52.52} {row.got:.60}"


if __name__ == "__main__":
    sys.exit(main())
