"""The built notebooks that are in the repository. nbval runs them and compares their outputs; see `make
test`.
"""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support import ROOT
from tools.build import notebooks as build

LESSONS, EXERCISES = build.sources()
BUILT = [(source, ROOT / "notebooks" / f"{source.stem}.ipynb") for source in LESSONS]
BUILT += [(source, ROOT / "solutions" / f"{source.stem}.ipynb") for source in EXERCISES]


def read(path):
    return nbformat.read(path, as_version=4)


def names(pairs):
    return [path.parent.name + "/" + path.stem for _, path in pairs]


@pytest.mark.parametrize(("source", "path"), BUILT, ids=names(BUILT))
def test_a_built_notebook_agrees_with_its_source(source, path):
    assert path.exists(), f"{path.name} is missing: run make build"
    assert build.is_current(build.read_source(source), read(path)), (
        f"{path.name} is not what its source gives: run make build"
    )


@pytest.mark.parametrize("source", EXERCISES, ids=lambda source: source.stem)
def test_an_exercise_agrees_with_its_source(source):
    expected = build.to_exercise(build.read_source(source))
    assert nbformat.writes(expected, indent=1).rstrip("\n") + "\n" == (
        ROOT / "exercises" / f"{source.stem}.ipynb"
    ).read_text(encoding="utf-8")


def test_nothing_else_stands_in_the_built_folders():
    expected = {path for _, path in BUILT} | {
        ROOT / "exercises" / f"{source.stem}.ipynb" for source in EXERCISES
    }
    found = {
        path for folder in ("notebooks", "solutions", "exercises") for path in (ROOT / folder).glob("*.ipynb")
    }
    assert found == expected


@pytest.mark.parametrize("path", [path for _, path in BUILT], ids=names(BUILT))
def test_a_built_notebook_ran_in_order_without_an_error(path):
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", [path for _, path in BUILT], ids=names(BUILT))
def test_pictures_have_alternative_text(path):
    outputs = [output for cell in read(path).cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if "image/png" in output.get("data", {})], (
        "return a rerank_course.lab.picture.Picture"
    )
    for output in outputs:
        for image in re.findall(r"<img [^>]*>", output.get("data", {}).get("text/html", "")):
            assert re.search(r'alt="[^"]{20,}"', image)


@pytest.mark.parametrize(
    "path", [path for _, path in BUILT if path.parent.name == "notebooks"], ids=lambda path: path.stem
)
def test_a_lesson_opens_and_closes_as_all_do(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    assert re.match(rf"# {path.stem[:2]} · ", text)
    for part in (
        "**What you will do**",
        "**What you need:**",
        "**Time:**",
        "**Predict.**",
        "## What to remember",
        "**Where it breaks:**",
        "## Quiz",
        "**On your own:**",
        "**In practice:**",
        "**Further reading:**",
    ):
        assert part in text, part


@pytest.mark.parametrize("path", [path for _, path in BUILT], ids=names(BUILT))
def test_links_between_the_course_s_files_lead_somewhere(path):
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("source", EXERCISES, ids=lambda source: source.stem)
def test_no_line_of_a_solution_or_hidden_test_is_in_the_exercise_or_the_package(source):
    text = source.read_text(encoding="utf-8")
    regions = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", text, flags=re.DOTALL)
    lines = {line.strip().removeprefix("# ") for region in regions for line in region.splitlines()}
    telling = {line for line in lines if len(line) > 40 and not line.startswith("from ")}
    assert len(telling) >= 5
    public = [ROOT / "exercises" / f"{source.stem}.ipynb", *(ROOT / "rerank_course").rglob("*.py")]
    shown = "\n".join(line for path in public for line in _lines(path))
    assert [line for line in telling if line in shown] == []


def _lines(path):
    if path.suffix == ".ipynb":
        return [line for cell in read(path).cells for line in cell.source.splitlines()]
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("source", EXERCISES, ids=lambda source: source.stem)
def test_an_untouched_exercise_runs_through_and_says_not_attempted(source):
    """No error but NotImplementedError, and that only in the graded cells."""
    notebook = read(ROOT / "exercises" / f"{source.stem}.ipynb")
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=300,
        allow_errors=True,
        resources={"metadata": {"path": str(ROOT / "exercises")}},
    ).execute()
    verdicts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                assert output.ename == "NotImplementedError" and cell.metadata.nbgrader.grade, cell.source
            elif "check_" in cell.source:
                verdicts.append(output["data"]["text/plain"])
    assert len(verdicts) == len(
        [
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and re.match(r"from rerank_course.checks", cell.source)
        ]
    )
    assert all(verdict.startswith("… Not attempted.") for verdict in verdicts), verdicts


def test_points_are_stated_on_the_card():
    for source in EXERCISES:
        notebook = build.read_source(source)
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in notebook.cells)
        assert f"| **Points** | {points}:" in notebook.cells[0].source, (source.stem, points)


NUMBER = re.compile(
    r"(?<![\w.])[−-]?\d*\.\d+(?![\w.])|(?<![\w.])\d+ (?:ms|s|seconds?|minutes?|hours?|times)\b"
)
LESSON_FILES = [path for _, path in BUILT if path.parent.name == "notebooks"]


def unsupported_numbers(notebook):
    """Decimals, timings and factors in the prose that no output shows and no link in the same paragraph
    supports.
    """
    shown = "\n".join(
        str(part)
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for part in [output.get("text", ""), *output.get("data", {}).values()]
    )
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(
                r"```.*?```|`[^`]*`|^\*\*Time:\*\*.*$", "", cell.source, flags=re.DOTALL | re.MULTILINE
            )
            for paragraph in re.split(r"\n\s*\n|\n(?=- |\d+\. )", prose):
                if "](http" not in paragraph:
                    found += [
                        number
                        for number in NUMBER.findall(paragraph)
                        if number.replace("−", "-") not in shown and number not in shown
                    ]
    return found


@pytest.mark.parametrize("path", LESSON_FILES, ids=lambda path: path.stem)
def test_no_number_stands_in_the_prose_that_the_notebook_does_not_show(path):
    assert unsupported_numbers(read(path)) == []


def test_an_unsupported_number_is_found():
    text = "It takes 3.5 s, `0.1` for code.\n\nAnd 12 seconds. Shown: −8.25.\n\nWith a source, [.71](https://example.org).\n\n**Time:** 20 minutes."
    code = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("stream", text="score -8.25")])
    assert unsupported_numbers(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), code])
    ) == ["3.5", "12 seconds"]
