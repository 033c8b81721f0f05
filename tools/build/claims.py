"""What lessons claim: marks in a source become a notebook's metadata, are tested there, and listed.

At the end of a code cell, one block for each claim:

    # claim: one sentence, as the lesson says it
    # control: what was done to what should not be helped, or the baseline, or the data held out
    # holds: a Python expression; True if the claim is borne out
    # value: a Python expression; a string with the figures

A line that begins with "#   " goes on with the line before. The expressions are evaluated in the kernel after
the cell, by the build and again by the tests, and print nothing there.
"""

import ast
import os
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from tools.build.outline import ROOT, Lesson, Outline

KEYS = ("claim", "control", "holds", "value")
MARK = re.compile(r"# (claim|control|holds|value):(?: (.*)|)")
# What was meant as a mark: indented, without its blank, with a capital letter.
STRAY = re.compile(r"[ \t]*#+[ \t]*(claim|control|holds|value)[ \t]*:", re.IGNORECASE)
TEXT = re.compile(r"^(?:# ?)?(claim|control|holds|value):(?: |$)", re.MULTILINE)
# Not only true: an expression that gives a list or a text says nothing.
HOLDS = "(lambda holds: [type(holds).__name__, bool(holds)])(\n{}\n)"
VALUE = "str(\n{}\n)"
DOCUMENT = "docs/claims.md"
OPENING = """# What the lessons claim

Each sentence that a lesson asks you to believe, with the cell that shows it, the control that could have
refuted it, and what came out in the last build. The build tests each claim and writes this page; the tests
test it again. Cells are counted from the top of the notebook, text included.
"""


class ClaimError(Exception):
    """A claim is marked wrongly, or its cell does not bear it out; the message says which, and why."""


def take_claims(source: str) -> tuple[str, list[dict[str, str]]]:
    """A code cell's source without its marks, and the claims.

    Raises:
        ClaimError: a mark stands before code, or a claim lacks one of its four lines.
    """
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if MARK.fullmatch(line)), len(lines))
    if stray := [line for line in lines if STRAY.match(line) and not MARK.fullmatch(line)]:
        raise ClaimError(f"{stray[0]!r} is no mark: write it as '# claim: …', at the end of the cell.")
    claims: list[dict[str, str]] = []
    key = ""
    for line in lines[first:]:
        if found := MARK.fullmatch(line):
            key = found[1]
            if key == "claim":
                claims.append({})
            if not claims or key in claims[-1]:
                raise ClaimError(f"{line!r} does not belong to a claim: each begins with '# claim:'.")
            claims[-1][key] = found[2] or ""
        elif line.startswith("#   "):
            claims[-1][key] += " " + line.removeprefix("#   ")
        elif line.strip():
            raise ClaimError(f"{line!r} stands after a claim. Claims stand at the end of a cell.")
    for claim in claims:
        _check(claim)
    return "\n".join(lines[:first]).rstrip("\n"), claims


def refuse_in_text(source: str) -> None:
    """Nothing if a markdown cell has no mark.

    Raises:
        ClaimError: it has one, which would be shown to the reader and never tested.
    """
    if found := TEXT.search(source):
        raise ClaimError(f"'{found[1]}:' begins a line of text. Claims stand at the end of a code cell.")


def _check(claim: dict[str, str]) -> None:
    if missing := [key for key in KEYS if not claim.get(key, "").strip()]:
        raise ClaimError(f"the claim {claim.get('claim', '')!r} has no '# {missing[0]}:' line.")
    for key in ("holds", "value"):
        try:
            compile(claim[key].strip(), key, "eval")
        except SyntaxError as error:
            raise ClaimError(f"'# {key}: {claim[key]}' is no Python expression: {error.msg}.") from None


def claims_of(cell: NotebookNode) -> list[dict[str, str]]:
    return cell.metadata.get("rerank_course", {}).get("claims", [])


def expressions(cell: NotebookNode) -> dict[str, str]:
    """What a kernel is to evaluate after the cell, as ``user_expressions`` of an execute request."""
    return {
        f"{key}{number}": (HOLDS if key == "holds" else VALUE).format(claim[key])
        for number, claim in enumerate(claims_of(cell))
        for key in ("holds", "value")
    }


def judged(cell: NotebookNode, reply: dict[str, Any]) -> list[str]:
    """The claims' values from a kernel's reply to these expressions.

    Raises:
        ClaimError: a claim does not hold, or its expression fails.
    """
    values = []
    for number, claim in enumerate(claims_of(cell)):
        value = _evaluated(reply[f"value{number}"], claim, "value")
        kind, holds = _evaluated(reply[f"holds{number}"], claim, "holds")
        if kind not in ("bool", "bool_"):
            raise ClaimError(
                f"{claim['claim']!r}: its 'holds' gives a {kind}, not True. It is: {claim['holds']}"
            )
        if not holds:
            raise ClaimError(f"not borne out: {claim['claim']!r} ({claim['holds']}). It says: {value}")
        values.append(value)
    return values


def _evaluated(found: dict[str, Any], claim: dict[str, str], key: str) -> Any:
    if found["status"] != "ok":
        said = f"{found.get('ename')}: {found.get('evalue')}"
        raise ClaimError(f"the claim {claim['claim']!r}: its '{key}' fails: {said}. It is: {claim[key]}")
    return ast.literal_eval(found["data"]["text/plain"])


def write_claims(outline: Outline, root: Path = ROOT) -> list[Path]:
    """Write docs/claims.md from the built notebooks if it changed; the paths that changed."""
    path, text = root / DOCUMENT, claims_document(outline, root)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return []
    path.parent.mkdir(exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    scratch.write_text(text, encoding="utf-8", newline="\n")
    os.replace(scratch, path)
    return [path]


def claims_document(outline: Outline, root: Path = ROOT) -> str:
    return OPENING + "".join(_section(lesson, root) for lesson in outline.lessons)


def _section(lesson: Lesson, root: Path) -> str:
    path = root / "notebooks" / lesson.file
    if not path.exists():
        return ""
    notebook = nbformat.read(path, as_version=4)
    values = notebook.metadata.get("rerank_course", {}).get("claims", {})
    rows = [
        (claim["claim"], f"{number}", claim["control"], _plain(value))
        for number, cell in enumerate(notebook.cells, start=1)
        for claim, value in zip(claims_of(cell), values.get(cell.id, []))
    ]
    if not rows:
        return ""
    table = [("claim", "cell", "control", "last build"), ("---",) * 4, *rows]
    lines = [f"| {' | '.join(_cell(text) for text in row)} |\n" for row in table]
    return f"\n## [{lesson.number} · {lesson.title}](../notebooks/{lesson.file})\n\n{''.join(lines)}"


def _plain(text: str) -> str:
    """A text in which nothing is markdown."""
    return re.sub(r"([\\`*_\[\]$~])", r"\\\1", text)


def _cell(text: str) -> str:
    """Text as it stands in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
