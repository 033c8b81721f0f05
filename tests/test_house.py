"""The architecture as tests: rooms, floors, sizes. docs/architecture.md draws and explains it."""

import ast
from graphlib import CycleError, TopologicalSorter
from html import unescape
from pathlib import Path

import pytest

from tests.support import ROOT
from tools.build import architecture, architecture_picture
from tools.build.architecture import FLOORS, LESSON_MODULES, PACKAGE, Module, floor_of

MODULES = architecture.read_modules()
NAMED = {module.name: module for module in MODULES}
ROOMS = {  # of the helper package, and what each is for
    "engine": "how a model gets here and runs",
    "texts": "corpora, and documents and judgements of your own",
    "scale": "rerank a whole run",
    "finetune": "train a reranker on your own judgements, and see whether that helped",
    "lab": "what lessons draw, time and play with",
    "learner": "the doctor, fetching, progress",
    "service": "the stand-in for a hosted reranker",
    "report": "a page of an evaluation to look at, and its numbers for machines",
    "checks": "one module for each exercise",
    "commands": "what `python -m rerank_course …` does",
}
ROOT_NAMES = 15  # that somebody who opens the package has to read; the rooms come on top
MODULE_LINES, FUNCTION_LINES, CLASS_LINES = 350, 50, 150


def test_the_package_s_folder_shows_its_rooms_and_at_most_fifteen_modules():
    package = ROOT / PACKAGE
    folders = {path.name for path in package.iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == ROOMS.keys()
    names = {path.stem for path in package.iterdir() if path.suffix in (".py", ".pyi")} | {"scale"}
    assert len(names) <= ROOT_NAMES, sorted(names)


def test_every_module_has_a_floor():
    rooms = {module.room for module in MODULES} - {"tools"}  # tools itself holds nothing
    assert rooms == {room for floor in FLOORS for room in floor}


def test_imports_go_down():
    assert {module.name: found for module in MODULES if (found := climbs(module, NAMED))} == {}


def climbs(module: Module, known: dict[str, Module]) -> list[str]:
    """What a module imports from its own floor, or from above, out of another room."""
    others = [known[name] for name in sorted(module.imports)]
    return [
        other.name
        for other in others
        if other.room != module.room and floor_of(other.room) >= floor_of(module.room)
    ]


def test_no_module_imports_itself_by_a_detour():
    assert cycle(MODULES) is None


def cycle(modules: list[Module]) -> list[str] | None:
    try:
        TopologicalSorter({module.name: module.imports for module in modules}).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_nothing_is_too_long():
    assert {module.name: found for module in MODULES if (found := too_long(module.file))} == {}


def too_long(file: Path) -> list[str]:
    """The module, its functions and its classes that have more lines than the house allows."""
    text = file.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    problems = [f"{file.name}: {lines} lines"] if lines > MODULE_LINES else []
    limits = {
        ast.FunctionDef: FUNCTION_LINES,
        ast.AsyncFunctionDef: FUNCTION_LINES,
        ast.ClassDef: CLASS_LINES,
    }
    for node in ast.walk(ast.parse(text)):
        limit = limits.get(type(node))
        if limit and (lines := node.end_lineno - node.lineno + 1) > limit:
            problems.append(f"{node.name}: {lines} lines")
    return problems


def test_every_room_and_module_says_what_it_is_for_on_one_line():
    faults = [module.name for module in MODULES if summary_fault(module.file)]
    assert faults == []


def summary_fault(file: Path) -> bool:
    """Whether the docstring is missing, or its summary does not end on its first line."""
    first = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    return not first or "\n" in first or first[-1] not in ".?!…"


def test_no_private_name_is_imported():
    assert {module.name: found for module in MODULES if (found := private_imports(module.file))} == {}


def private_imports(file: Path) -> list[str]:
    """Names with a leading underscore that a file takes out of another module."""
    return [
        alias.name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]


# The picture


def test_the_picture_is_up_to_date():
    drawn = (ROOT / architecture_picture.PICTURE).read_text(encoding="utf-8")
    assert drawn == architecture_picture.draw(MODULES), "run make build"


def test_the_picture_shows_every_room_once_and_says_the_same_in_words():
    assert architecture_picture.PLACES.keys() == {room for floor in FLOORS for room in floor}
    picture = unescape(architecture_picture.draw(MODULES))
    for place in architecture_picture.PLACES.values():
        assert picture.count(f">{place.title}</text>") == 1
        assert f"{place.title}: {place.purpose}." in picture


def test_an_arrow_that_others_replace_is_not_drawn():
    pairs = {("scale", LESSON_MODULES), (LESSON_MODULES, "engine"), ("scale", "engine"), ("engine", "scale")}
    assert architecture_picture.needed(pairs) == {("scale", LESSON_MODULES), (LESSON_MODULES, "engine")}


# Each rule finds what it is for


@pytest.fixture
def house(tmp_path):
    """Writes modules into a course of their own, and reads them."""

    def build(**texts: str) -> dict[str, Module]:
        for name, text in texts.items():
            file = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return {module.name: module for module in architecture.read_modules(tmp_path)}

    return build


@pytest.mark.parametrize(
    "text",
    [
        "from rerank_course.models import load",
        "from rerank_course import models",
        "import rerank_course.models",
        "from ..models import load",
        "from .. import models",
        "def late():\n    from rerank_course.models import load",
        "if TYPE_CHECKING:\n    from rerank_course.models import load",
    ],
)
def test_an_import_that_climbs_is_found_however_it_is_written(house, text):
    known = house(rerank_course__models="", rerank_course__engine__int8=text, rerank_course__engine__hub="")
    assert climbs(known["rerank_course.engine.int8"], known) == ["rerank_course.models"]


def test_rooms_on_one_floor_do_not_import_from_each_other(house):
    known = house(
        rerank_course__lab__charts="from rerank_course.learner.fetch import fetch\nimport os",
        rerank_course__learner__fetch="from rerank_course.learner import doctor, text\n",
        rerank_course__learner__doctor="from rerank_course.text import text_of",
        rerank_course__text="",
    )
    assert climbs(known["rerank_course.lab.charts"], known) == ["rerank_course.learner.fetch"]
    assert climbs(known["rerank_course.learner.fetch"], known) == []
    assert climbs(known["rerank_course.learner.doctor"], known) == []


def test_a_detour_is_found(house):
    known = house(
        rerank_course__lab__a="from rerank_course.lab import b",
        rerank_course__lab__b="def late():\n    from rerank_course.lab.c import x",
        rerank_course__lab__c="import rerank_course.lab.a",
    )
    assert set(cycle([*known.values()])) == known.keys()


def test_what_is_too_long_is_found(tmp_path):
    file = tmp_path / "long.py"
    body = "    pass\n" * 50
    file.write_text(
        f"def f():\n{body}\nasync def g():\n{body}\nclass C:\n{body * 3}\n{'#' * 9}\n" + "\n" * 200
    )
    assert [problem.split(":")[0] for problem in too_long(file)] == ["long.py", "f", "g", "C"]
    file.write_text("def f():\n" + "    pass\n" * 49)
    assert too_long(file) == []


def test_a_summary_of_two_lines_and_a_private_import_are_found(tmp_path):
    file = tmp_path / "room.py"
    for text, fault in (('"""One\nand two."""', True), ("x = 1", True), ('"""One."""', False)):
        file.write_text(text, encoding="utf-8")
        assert summary_fault(file) is fault
    file.write_text("from a import _b, c, __version__", encoding="utf-8")
    assert private_imports(file) == ["_b"]
