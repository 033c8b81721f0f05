"""A claim is marked, tested by the build and by the tests, and listed."""

import dataclasses
import subprocess
import sys

import nbformat
import pytest

from tests.support import ROOT
from tests.support.toy_course import EXERCISE, Course, read
from tools.build import claims, glossary
from tools.build import notebooks as build
from tools.build.minutes import count, fault
from tools.build.outline import read_outline

MARKS = """\
# %% [markdown]
# # {title}

# %%
gain = {"right": 3, "wrong": 4}
gain
# claim: The heading lifts the wrong answers as well | as much.
# control: the same heading on
#   what does not answer
# holds: gain["wrong"] >=
#   gain["right"]
# value: f"{gain['right']} | {gain['wrong']}"
# claim: A second one.
# control: none
# holds: True
# value: 7
"""
OUTLINE = read_outline()


@pytest.fixture
def course(tmp_path):
    (tmp_path / "docs").mkdir()
    return Course(tmp_path)


def test_marks_leave_the_cell_and_their_values_stand_in_the_list(course):
    (target,) = course.lesson(MARKS)
    notebook = read(target)
    cell = notebook.cells[1]
    assert cell.source == 'gain = {"right": 3, "wrong": 4}\ngain'
    assert cell.execution_count == 1 and len(cell.outputs) == 1
    assert [claim["claim"] for claim in claims.claims_of(cell)][1] == "A second one."
    assert notebook.metadata.rerank_course.claims == {cell.id: ["3 | 4", "7"]}
    assert course.lesson(MARKS) == []  # the values do not make it stale
    text = claims.claims_document(read_outline(course.root), course.root)
    assert "## [00 · A test](../notebooks/00_test.ipynb)" in text
    assert (
        "| The heading lifts the wrong answers as well \\| as much. | 2 "
        "| the same heading on what does not answer | 3 \\| 4 |\n"
    ) in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"wrong": 4', '"wrong": 2'), r"test.py, cell 2: not borne out: 'The heading .* It says: 3 \| 2"),
        (("# holds: True", "# holds: missing"), "its 'holds' fails: NameError: name 'missing'"),
        (("# holds: True", "# holds: [gain]"), r"its 'holds' gives a list, not True. It is: \[gain\]"),
        (("# value: 7", "# value: 1 / 0"), "its 'value' fails: ZeroDivisionError"),
    ],
)
def test_a_claim_that_is_not_borne_out_stops_the_build(course, change, message):
    with pytest.raises(build.BuildError, match=message):
        course.lesson(MARKS.replace(*change))
    assert not (course.root / "notebooks" / "00_test.ipynb").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n# claim: a\n# control: b\n# holds: True\n", "has no '# value:' line"),
        ("1\n# control: b\n# claim: a\n# holds: True\n# value: 1\n", "does not belong to a claim"),
        ("1\n# claim: a\n# control: b\n# holds: (\n# value: 1\n", "is no Python expression"),
        ("1\n# claim: a\n# control: b\n# holds: True\n# value: 1\n2\n", "'2' stands after a claim"),
        ("1\n# claim: a\n# claim: b\n# control: b\n# holds: True\n# value: 1\n", "has no '# control:'"),
        ("1\n# claim: a\n# control:\n# holds: True\n# value: 1\n", "has no '# control:'"),
        ("1\n# claim: a\n# control: b\n# holds: x for x in 'ab'\n# value: 1\n", "no Python expression"),
        ("if 1:\n    1\n    # claim: a\n", "'    # claim: a' is no mark"),
        ("1\n#claim: a\n", "'#claim: a' is no mark"),
        ("1\n# claim: a\n# Control: b\n# holds: True\n# value: 1\n", "'# Control: b' is no mark"),
    ],
)
def test_malformed_marks_are_refused_with_their_place(course, text, message):
    with pytest.raises(build.BuildError, match=f"test.py, cell 1: .*{message}"):
        course.read(f"# %%\n{text}")


def test_a_mark_in_a_text_is_refused(course):
    with pytest.raises(build.BuildError, match="test.py, cell 1: 'claim:' begins a line of text"):
        course.read("# %% [markdown]\n# Text.\n#\n# claim: a\n")


def test_a_change_in_a_text_keeps_the_results(course, monkeypatch):
    (target,) = course.lesson(MARKS)
    before = read(target)
    monkeypatch.setattr(build, "execute", lambda notebook, folder: pytest.fail("it was executed"))
    assert course.lesson(MARKS.replace("# # {title}", "# # {title}\n#\n# In other words.")) == [target]
    after = read(target)
    assert after.cells[0].source == "# 00 · A test\n\nIn other words."
    assert (after.cells[1], after.metadata) == (before.cells[1], before.metadata)


def test_an_exercise_has_no_claims(course):
    claim = "# claim: a\n# control: b\n# holds: True\n# value: 1\n"
    with pytest.raises(build.BuildError, match="Claims stand in lessons"):
        course.exercise(EXERCISE.replace('print("public check")\n', f'print("public check")\n{claim}'))


@pytest.mark.heavy
@pytest.mark.parametrize(("wrong", "passes"), [(4, True), (2, False), ("None", False)])
def test_a_claim_is_tested_again_when_the_notebook_is_run(course, wrong, passes):
    """On a machine where the cell gives something else: here the cell was changed behind the build's back."""
    (target,) = course.lesson(MARKS.replace("gain\n#", "print('run')\n#"))
    notebook = read(target)
    notebook.cells[1].source = f'gain = {{"right": 3, "wrong": {wrong}}}\nprint("run")'
    nbformat.write(notebook, target)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider"]
    command += ["-q", "-p", "tests.support.claims", "--rootdir", str(course.root), str(target)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert (run.returncode == 0) == passes, run.stdout
    if not passes:
        assert "The heading lifts the wrong answers" in run.stdout


def test_the_list_is_that_of_the_built_notebooks():
    written = (ROOT / claims.DOCUMENT).read_text(encoding="utf-8")
    assert written == claims.claims_document(OUTLINE), "run make build"


@pytest.mark.parametrize("lesson", OUTLINE.lessons[1:], ids=lambda lesson: lesson.name)
def test_a_lesson_has_claims_and_each_has_its_value(lesson):
    notebook = read(ROOT / "notebooks" / lesson.file)
    marked = {cell.id: len(claims.claims_of(cell)) for cell in notebook.cells if claims.claims_of(cell)}
    values = notebook.metadata.rerank_course.claims
    assert {name: len(found) for name, found in values.items()} == marked
    assert sum(marked.values()) >= 3


@pytest.mark.parametrize("lesson", OUTLINE.lessons, ids=lambda lesson: lesson.name)
def test_a_lesson_takes_the_minutes_that_the_outline_says(lesson):
    counted = count(read(ROOT / "notebooks" / lesson.file))
    assert fault(lesson, counted) == "", str(counted)


def test_minutes_are_counted_in_words_predictions_cells_and_seconds():
    text = "**Predict.** " + "cross-encoder " * 99 + "\n```sh\nnot these\n```\n| a | 7 |\n<details>\n"
    text += '[two words](x.md#a "not (these) \\"either\\"") – ![nor this](y.png) <https://example.org/a_b>'
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell("x = 'no words here'")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"rerank_course": {"seconds": 60}})
    assert count(notebook).words == 1 + 99 + 2 + 2
    assert count(notebook).minutes == pytest.approx(104 / 200 + 0.5 + 0.25 + 1)


@pytest.mark.parametrize(
    ("said", "words", "wrong"),
    [
        (20, 4400, ""),
        (20, 4700, "write 25"),
        (20, 3300, "write 15"),
        (22, 4400, "write 20"),
        (45, 8900, ""),
        (45, 9001, "more than 45"),
    ],
)
def test_minutes_that_are_not_the_outline_s_are_found(said, words, wrong):
    lesson = dataclasses.replace(OUTLINE.lessons[0], minutes=said)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("word " * words)])
    assert fault(lesson, count(notebook)).startswith(wrong)
    assert bool(wrong) == bool(fault(lesson, count(notebook)))


def test_results_after_a_prediction_are_closed_and_a_guess_stays_open(course):
    notebook = course.read(
        "# %% [markdown]\n# **Predict.** Which?\n\n"
        "# %%\nplace = guess('place')\n\n# %%\n1\n\n# %% output=\"varies\"\n2\n\n"
        "# %% [markdown]\n# So.\n\n# %%\n3\n"
    )
    tags = [cell.metadata.get("tags") for cell in notebook.cells]
    assert tags == [None, ["guess"], ["hide-output"], ["nbval-ignore-output", "hide-output"], None, None]
    closed = [cell.metadata.get("jupyter", {}).get("outputs_hidden", False) for cell in notebook.cells]
    assert closed == [False, False, True, True, False, False]


GLOSSARY = '# Glossary\n\n## judged@10\n\nThe *share* of [ten](x.md) that is "judged". More.\n'


def test_a_term_becomes_a_link_with_its_explanation(course):
    course.write("docs/glossary.md", GLOSSARY)
    notebook = course.read("# %% [markdown]\n# See [the share](term:judged@10).\n")
    assert notebook.cells[0].source == (
        "See [the share](../docs/glossary.md#judged10 \"The share of ten that is 'judged'.\")."
    )
    with pytest.raises(build.BuildError, match="test.py: docs/glossary.md has no entry '## logit'"):
        course.read("# %% [markdown]\n# A [logit](term:logit).\n")


def test_an_entry_twice_or_too_long_is_refused(course):
    for text, message in (
        (GLOSSARY + GLOSSARY, "is there twice"),
        (f"## long\n\n{'word ' * 40}\n", "more than 140"),
    ):
        course.write("docs/glossary.md", text)
        with pytest.raises(build.BuildError, match=message):
            course.read("# %%\n1\n")


def test_the_glossary_is_in_order_and_every_entry_can_be_a_hover_text():
    entries = list(glossary.read_glossary().entries)
    assert entries == sorted(entries, key=str.casefold)
    assert len({glossary.anchor(term) for term in entries}) == len(entries)


def test_a_term_is_linked_where_it_is_first_needed():
    """Each term of the glossary that lessons link, they link at most once a lesson."""
    for lesson in OUTLINE.lessons:
        text = (ROOT / lesson.source).read_text(encoding="utf-8")
        linked = [glossary.anchor(found[2]) for found in glossary.LINK.finditer(text)]
        twice = {term for term in linked if linked.count(term) > 1}
        assert not twice, f"{lesson.name} links {sorted(twice)} twice"
