"""Which explorer stands where on the website, and what it begins with.

An explorer's first texts are read from the built lesson and from the corpora, so they are the lesson's own.
"""

import ast
import dataclasses
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from rerank_course.lab.current_models import NOT_PROMISED, all_options
from rerank_course.texts.corpora import load_corpus
from tools.build.outline import read_outline
from tools.site.thresholds import threshold_groups

OWN_TEN, FIRST = "own_ten", "index"  # pages of docs/site, not lessons
SERVE = "make site SERVE=1"
NEEDS = (
    "Here you can try it in the page itself. That needs JavaScript and pages that a server sends: opened "
    f"from the disk they cannot load it. Run <code>{SERVE}</code> in the course’s folder and open the "
    "address that it prints."
)
NOTHING_KEPT = "Without JavaScript, or opened from the disk, the pages keep nothing."


class ExplorerError(Exception):
    """A lesson has no longer what an explorer on its page shows."""


@dataclass(frozen=True)
class Explorer:
    """One explorer on the website.

    Attributes:
        page: a lesson's name, or ``OWN_TEN``.
        after: a text of the code cell below which it stands; empty for a page's end.
        kind: the script's name in site/src/explorers.
        title: what it is called, also for those who cannot see it.
        settings: gives what it begins with, from the course's root folder.
        without: what stands there until its script has come.
    """

    page: str
    after: str
    kind: str
    title: str
    settings: Callable[[Path], dict[str, Any]]
    without: str = NEEDS


def _pair(root: Path) -> dict[str, Any]:
    query = literal(root, "scoring_pairs", "query")
    return {"query": query, "document": _handbook().documents["exp-001"].content}


def _length(root: Path) -> dict[str, Any]:
    text = _handbook().documents["hir-012"].content
    answer = literal(root, "when_scores_mislead", "answer_of")["hir-q05"][1]
    return {
        "query": literal(root, "when_scores_mislead", "question"),
        "document": text,
        "answer": answer,
    }


def _compare(root: Path) -> dict[str, Any]:
    documents = literal(root, "cosine_vs_cross_encoder", "documents")
    return {"query": literal(root, "cosine_vs_cross_encoder", "query"), "documents": list(documents.values())}


def _echo(root: Path) -> dict[str, Any]:
    """The best answer of one question beside the lesson's three echoes of it."""
    handbook, page = _handbook(), literal(root, "what_it_falls_for", "page")
    query, other = handbook.queries["exp-q01"], handbook.queries["trv-q08"]
    grades = handbook.qrels["exp-q01"]
    answer = handbook.documents[max(grades, key=lambda document: grades[document])]
    documents = [" ".join(answer.content.split()), query, page.format(query), page.format(other)]
    return {"query": query, "documents": documents}


def _chooser(root: Path) -> dict[str, Any]:
    names = ("name", "licence", "layers", "width", "languages", "runs")
    options = [dataclasses.asdict(option) for option in all_options()]
    return {
        "options": [{name: option[name] for name in names} for option in options],
        "notPromised": NOT_PROMISED,
    }


def _own_ten(root: Path) -> dict[str, Any]:
    return _compare(root) | {"mix": True, "words": True}


EXPLORERS = (
    Explorer("model_options", "model_chooser(per_pair", "chooser", "Choose a model", _chooser),
    Explorer("scoring_pairs", "pair_scorer(reranker", "pair", "Score a pair of your own", _pair),
    Explorer("what_it_falls_for", "deceived = pd.DataFrame", "compare", "An echo beside an answer", _echo),
    Explorer(
        "when_scores_mislead", "threshold_explorer(groups", "threshold", "Move a threshold", threshold_groups
    ),
    Explorer(
        "when_scores_mislead", "length_explorer(question", "length", "What the model reads of a text", _length
    ),
    Explorer(
        "cosine_vs_cross_encoder", "query_comparer(texts", "compare", "Two rankings side by side", _compare
    ),
    Explorer(OWN_TEN, "", "own_ten", "Bring your own ten", _own_ten),
    Explorer(FIRST, "", "forget", "What these pages keep in your browser", lambda root: {}, NOTHING_KEPT),
)
# Pixels that each kind takes as it begins, on a laptop's screen and on a phone's: kept free until then.
HEIGHTS = {
    "chooser": (1558, 2367),
    "pair": (405, 405),
    "compare": (549, 549),
    "threshold": (695, 816),
    "length": (278, 331),
    "own_ten": (549, 549),
    "forget": (165, 247),
}


def placements(root: Path) -> dict[str, list[dict[str, str]]]:
    """For each page, by its path without ending: ``[{"after": …, "html": …}, …]``.

    Raises:
        ExplorerError: a lesson has no longer the cell, or the name, that an explorer needs.
    """
    outline, found = read_outline(root), dict[str, list[dict[str, str]]]()
    for explorer in EXPLORERS:
        page = explorer.page
        if page not in (OWN_TEN, FIRST):
            page = f"notebooks/{outline.lesson(page).file.removesuffix('.ipynb')}"
            if not any(explorer.after in source for source in code_cells(root, explorer.page)):
                raise ExplorerError(f"{explorer.page} has no cell with {explorer.after!r}")
        found.setdefault(page, []).append({"after": explorer.after, "html": as_html(explorer, root)})
    return found


def as_html(explorer: Explorer, root: Path) -> str:
    """What stands on the page until a script takes it over, and all that is there without scripts."""
    settings = json.dumps(explorer.settings(root), ensure_ascii=False).replace("<", "\\u003c")
    title = html.escape(explorer.title)
    wide, narrow = HEIGHTS[explorer.kind]
    return (
        f'<section class="live" data-live="{explorer.kind}" aria-label="{title}, live" '
        f'style="--wide: {wide}px; --narrow: {narrow}px">'
        f'<p class="live-title">{title}</p><p class="live-without">{explorer.without}</p>'
        f'<script type="application/json">{settings}</script></section>'
    )


def literal(root: Path, lesson: str, name: str) -> Any:
    """The value that a lesson first assigns to ``name``, where that is a plain literal.

    Raises:
        ExplorerError: there is none.
    """
    for source in code_cells(root, lesson):
        lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
        for node in ast.parse("\n".join(lines)).body:
            if isinstance(node, ast.Assign):
                value = _assigned(node.targets[0], node.value, name)
                if value is not None:
                    return ast.literal_eval(value)
    raise ExplorerError(f"{lesson} does not assign a literal to {name}")


def _assigned(target: ast.expr, value: ast.expr, name: str) -> ast.expr | None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        parts = (_assigned(*pair, name) for pair in zip(target.elts, value.elts, strict=False))
        return next((part for part in parts if part is not None), None)
    return value if isinstance(target, ast.Name) and target.id == name else None


def code_cells(root: Path, lesson: str) -> list[str]:
    """The sources of a built lesson's code cells."""
    file = root / "notebooks" / read_outline(root).lesson(lesson).file
    return [cell.source for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]


@cache
def _handbook():
    return load_corpus("handbook")
