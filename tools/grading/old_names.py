"""Hand-ins of version 0.1, in which modules, exercises and graded cells had other names.

Before its checks run, a student's own code gets today's module names, so that an old hand-in is worth what
it was. What a name means has not changed; only where it stands.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode

PACKAGE = "rerank_course"
# Old module: {new module: the names that went there}. The first new module has all names that none lists.
MOVED: dict[str, dict[str, str]] = {
    "beir": {"texts.beir": "", "texts.files": "CorpusError", "texts.documents": "read_documents"},
    "corpora": {"texts.corpora": ""},
    "cost": {"lab.cost": ""},
    "doctor": {"learner.doctor": ""},
    "fast": {"engine.int8": ""},
    "fetch": {"learner.fetch": ""},
    "hosted": {
        "hosted": "",
        "engine.cohere": "MODELS MAX_DOCUMENTS HostedError HostedRefusedError HostedUnavailableError",
    },
    "judge": {
        "texts.judgements": "PATIENCE Judgements",
        "texts.judged_files": "GRADES Queries Qrels",
        "texts.judging": "PROMPT pool judge_in_terminal",
        "texts.judging_notebook": "NOT_JUDGED judge_in_notebook",
    },
    "models": {
        "models": "",
        "engine.weights": "DEFAULT_RERANKER DEFAULT_EMBEDDER",
        "engine.hub": "ModelNotAvailableError UnsuitableModelError is_local hub_cache why_no_hub",
    },
    "occlusion": {"lab.occlusion": ""},
    "own_texts": {
        "texts.documents": "read_documents",
        "texts.files": "CSV_ENDINGS JSON_ENDINGS MARKDOWN_ENDINGS TEXT_ENDINGS",
        "texts.sections": "MAX_WORDS chunk_text",
        "texts.tables": "TEXT_COLUMNS ID_COLUMNS TITLE_COLUMNS MAX_FIELD",
    },
    "packaged": {
        "engine.weights": "",
        "engine.cache": "CACHE_VARIABLE NEEDED_BYTES WeightsError cache_folder made_once",
    },
    "pandas_docs": {"texts.pandas_docs": ""},
    "plots": {
        "lab.charts": "score_strip draw_lines draw_bars draw_points draw_importance draw_counts",
        "lab.colours": "PIECES",
        "lab.diagrams": "draw_encoders slope_chart sigmoid_curve draw_batches draw_timeline",
        "lab.picture": "Picture",
        "lab.windows": "draw_window",
    },
    "progress": {"learner.progress": "", "learner.course": "Step COURSE EXERCISES"},
    "quantise": {"engine.quantise": ""},
    "recorded": {"engine.recorded_scores": ""},
    "retrieve": {"retrieve": "", "engine.embeddings": "BLOCK embed"},
    "stand_in": {
        "service.stand_in": "MAX_BYTES StandIn",
        "service.handlers": "Received",
        "service.cohere_api": "MAX_CHUNKS",
        "service.faults": "STATUS_FAULTS ANSWER_FAULTS FAULTS",
    },
    "timing": {"lab.timing": ""},
    "widgets": {
        "lab.explorers.model_chooser": "HOSTED_SECONDS choose_model relative_compute model_chooser",
        "lab.explorers.pair_scorer": "score_pair pair_scorer",
        "lab.explorers.length_explorer": "Reading what_the_model_reads length_explorer",
        "lab.explorers.query_comparer": "compare_query query_comparer",
    },
    "checks.ex02": {"checks.score_pairs": ""},
    "checks.ex03": {"checks.rerank_documents": ""},
    "checks.ex04": {"checks.judge_a_ranking": ""},
    "checks.ex05": {"checks.cosine_comparison": ""},
    "checks.ex06": {"checks.long_document": ""},
    "checks.ex07": {"checks.hosted_with_fallback": ""},
}


def new_grade_id(name: str) -> str:
    """A graded cell's id without the exercise's number, which it once began with."""
    return re.sub(r"^ex\d\d-", "", name)


def new_module(old: str, name: str = "") -> str:
    """Where a name of an old module stands today; of a module that has not moved, the module itself.

    Args:
        old: the module with the package's name, for example "rerank_course.plots".
        name: a name in it, for example "draw_lines"; without one, where most of the module's names are.
    """
    homes = MOVED.get(old.removeprefix(f"{PACKAGE}."))
    if not homes or not old.startswith(f"{PACKAGE}."):
        return old
    new = next((home for home, names in homes.items() if name in names.split()), next(iter(homes)))
    return f"{PACKAGE}.{new}"


def with_new_names(cells: list[NotebookNode]) -> None:
    """Write today's module names into the code cells of one notebook.

    A cell that is no Python, or names nothing that has moved, stays as it is.
    """
    trees = {index: tree for index, cell in enumerate(cells) if (tree := _parsed(cell)) is not None}
    nodes = {index: list(ast.walk(tree)) for index, tree in trees.items()}
    every = [node for found in nodes.values() for node in found]
    called = dict(pair for node in every for pair in _called(node))
    used = {_attribute_home(node, called) for node in every}
    for index, found in nodes.items():
        edits = [edit for node in found if (edit := _edit(node, called, used))]
        cells[index].source = _edited(cells[index].source, edits)


class _Edit(NamedTuple):
    """``text`` instead of what stands from ``start`` to ``end``, each (line, byte)."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


def _parsed(cell: NotebookNode) -> ast.Module | None:
    """A code cell's syntax; lines of IPython's own (%time, !ls) count as nothing."""
    if cell.cell_type != "code":
        return None
    without_magic = re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", cell.source, flags=re.MULTILINE)
    for text in (cell.source, without_magic):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _called(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(what the notebook calls it, the module) for each module that has moved and is imported here."""
    if isinstance(node, ast.Import):
        found = [(alias.asname or alias.name, alias.name) for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        found = [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
    else:
        return
    yield from ((name, module) for name, module in found if _homes(module))


def _homes(module: str) -> list[str]:
    """All modules that a moved module's names went to; none if it has not moved."""
    inner = module.removeprefix(f"{PACKAGE}.")
    return [f"{PACKAGE}.{home}" for home in MOVED.get(inner, ())] if inner != module else []


def _edit(node: ast.AST, called: dict[str, str], used: set[str]) -> _Edit | None:
    """What to write in place of a piece of code, if it names what has moved.

    Args:
        called: what the notebook calls a module that has moved: the module.
        used: modules of today that need an import of their own, because names in full stand for an alias.
    """
    if isinstance(node, ast.Import):
        moved = any(_homes(alias.name) for alias in node.names)
        text = "; ".join(line for alias in node.names for line in _import(alias.name, alias.asname, used))
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        moved = bool(_homes(module)) or any(_homes(f"{module}.{alias.name}") for alias in node.names)
        text = "; ".join(_from_import(module, node.names, used))
    elif isinstance(node, ast.Attribute):
        moved = bool(_attribute_home(node, called))
        text = f"{_attribute_home(node, called)}.{node.attr}"
    else:
        return None
    if not moved or text == ast.unparse(node):
        return None
    return _Edit((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0), text)


def _import(module: str, asname: str | None, used: set[str]) -> Iterator[str]:
    """``import module as asname`` with today's names."""
    homes = _homes(module) or [module]
    yield f"import {homes[0]}" + (f" as {asname}" if asname else "")
    yield from (f"import {home}" for home in homes[1:] if home in used)


def _from_import(module: str, names: list[ast.alias], used: set[str]) -> Iterator[str]:
    """``from module import names`` with today's names, where a name may be a module itself."""
    by_module: dict[str, list[str]] = {}
    for alias in names:
        if _homes(f"{module}.{alias.name}"):
            yield from _import(f"{module}.{alias.name}", alias.asname or alias.name, used)
            continue
        homes = _homes(module) if alias.name == "*" else [new_module(module, alias.name)]
        for home in homes:
            by_module.setdefault(home, []).append(ast.unparse(alias))
    yield from (f"from {home} import {', '.join(found)}" for home, found in by_module.items())


def _attribute_home(node: ast.AST, called: dict[str, str]) -> str:
    """The module that has to stand before an attribute's name; "" if it is right as it stands."""
    if not isinstance(node, ast.Attribute) or not (module := called.get(_dotted(node.value))):
        return ""
    home = new_module(module, node.attr)
    is_alias = isinstance(node.value, ast.Name)  # it stands for the module's first home
    return "" if is_alias and home == new_module(module) else home


def _dotted(node: ast.AST) -> str:
    """ "a.b.c" for the names a.b.c; "" for any other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _edited(source: str, edits: list[_Edit]) -> str:
    """The source with its edits; their places count bytes, as ast has it."""
    lines = source.encode().split(b"\n")
    for edit in sorted(edits, reverse=True):
        (first, start), (last, end) = edit.start, edit.end
        changed = lines[first - 1][:start] + edit.text.encode() + lines[last - 1][end:]
        lines[first - 1 : last] = [changed]
    return b"\n".join(lines).decode()
