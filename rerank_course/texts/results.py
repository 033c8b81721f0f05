"""Files that measuring wrote into a folder of texts, and that are no texts to search."""

import re
from pathlib import Path

REPORT_FILE, QRELS_ENDING = "report.html", ".qrels.txt"
_RUN_LINE = re.compile(r"\S+\s+Q0\s+\S+\s+[0-9]+\s+\S+\s+\S+")
_QRELS_LINE = re.compile(r"\S+\s+0\s+\S+\s+-?[0-9]+")
_LONGEST = 10_000  # bytes of a first line that are looked at


def is_result(path: Path) -> bool:
    """Whether a file is a run or judgements in TREC's format, or the report beside them.

    Who measures a folder while standing in it gets its results into a folder inside.
    """
    if not path.is_file():
        return False
    if path.name == REPORT_FILE:
        return any(other.name.endswith(QRELS_ENDING) for other in path.parent.iterdir())
    if path.suffix.lower() != ".txt":
        return False
    with path.open("rb") as file:
        first = file.readline(_LONGEST).decode(errors="replace").strip()
    is_qrels = path.name.endswith(QRELS_ENDING) and _QRELS_LINE.fullmatch(first)
    return bool(is_qrels or _RUN_LINE.fullmatch(first))
