"""Notebooks that nbformat or nbgrader would trip over: mended and said, or refused in plain words."""

import json

import nbformat
import pytest

from tests.tools.grading.toy_course import EXERCISE, solved
from tools.grading.repair import NotGradable, read_submission, repair


@pytest.fixture
def released(course):
    return nbformat.read(course / "exercises" / f"{EXERCISE}.ipynb", as_version=4)


def repaired(content, released):
    return repair(read_submission(content), released, released)


def changed(handed_out, change):
    notebook = json.loads(nbformat.writes(solved(handed_out)))
    change(notebook)
    return json.dumps(notebook).encode()


REFUSED = {
    b"": "the file is empty",
    b" \n": "the file is empty",
    b"print(1)": "it is not JSON",
    b"\xff\xfe{\x00": "it is not UTF-8 text",
    b"[1, 2]": "it is JSON of another kind",
    b"null": "it is JSON of another kind",
    b'{"cells": []}': "it is JSON of another kind",
    b'{"cells": 5, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}': "its cells are not a list",
    b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}': "its cells are not a list",
    b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}': "none of this exercise's cells",
    b'{"cells": [null, {}], "nbformat": 4, "metadata": null}': "none of this exercise's cells",
    b'{"nbformat": 99, "cells": []}': "version 99, which is newer",
    b'{"nbformat": true, "cells": []}': "it is JSON of another kind",
    b'{"nbformat": 3, "worksheets": 5}': "the file is not a notebook",
    b"[" * 100_000: "nested too deeply",
    b'{"nbformat": ' + b"9" * 5000 + b"}": "the file is not a notebook",
    b"NaN": "it is JSON of another kind",
}


@pytest.mark.parametrize("content", REFUSED, ids=lambda content: repr(content[:30]))
def test_what_is_no_notebook_is_refused_in_plain_words(content, released):
    with pytest.raises(NotGradable, match=REFUSED[content]) as why:
        repaired(content, released)
    assert "Traceback" not in str(why.value) and len(str(why.value)) < 300


def add(cell):
    return lambda notebook: notebook["cells"].insert(1, cell)


MENDED = {
    "null cells": (add(None), "1 of its cells were no cells"),
    "a number for a cell": (add(5), "1 of its cells were no cells"),
    "a cell of nothing": (add({}), ""),
    "no source": (add({"cell_type": "code", "metadata": {}}), ""),
    "source null": (add({"cell_type": "code", "source": None, "metadata": {}}), ""),
    "source a number": (add({"cell_type": "markdown", "source": 5, "metadata": {}}), ""),
    "lines null": (add({"cell_type": "code", "source": ["a = 1\n", None, 3], "metadata": {}}), ""),
    "half a character": (
        add({"cell_type": "code", "source": "x = '\ud83d'", "metadata": {}}),
        "half a character",
    ),
    "half a character in metadata": (
        add({"cell_type": "code", "source": "1", "metadata": {"a": "\udc00"}}),
        "",
    ),
    "metadata null": (add({"cell_type": "code", "source": "1", "metadata": None}), ""),
    "metadata a list": (add({"cell_type": "code", "source": "1", "metadata": []}), ""),
    "outputs null": (add({"cell_type": "code", "source": "1", "metadata": {}, "outputs": None}), ""),
    "outputs of half characters": (
        add({"cell_type": "code", "source": "1", "metadata": {}, "outputs": [{"text": "\ud800"}]}),
        "",
    ),
    "an unknown kind of cell": (add({"cell_type": "heading", "source": "1", "metadata": {}}), ""),
    "an id that is none": (add({"cell_type": "code", "id": ["x"], "source": "1", "metadata": {}}), ""),
    "notebook's metadata null": (lambda notebook: notebook.update(metadata=None), ""),
    "attachments null": (
        add({"cell_type": "markdown", "source": "1", "metadata": {}, "attachments": None}),
        "",
    ),
    "no minor version": (lambda notebook: notebook.pop("nbformat_minor"), ""),
    "minor version of words": (lambda notebook: notebook.update(nbformat_minor="five"), ""),
    "minor version of the future": (lambda notebook: notebook.update(nbformat_minor=99), ""),
}


@pytest.mark.parametrize("case", MENDED)
def test_what_is_odd_is_mended_and_written(case, handed_out, released, tmp_path):
    change, said = MENDED[case]
    notebook, notes = repaired(changed(handed_out, change), released)
    assert any(said in note for note in notes) or not said, notes
    nbformat.write(notebook, tmp_path / "graded.ipynb")
    again = nbformat.read(tmp_path / "graded.ipynb", as_version=4)
    assert "2 * number" in "".join(cell.source for cell in again.cells)


def test_another_exercise_under_this_name_is_refused(released):
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("def triple(x):\n    return 3 * x")])
    with pytest.raises(NotGradable, match="perhaps another notebook was saved under this name"):
        repaired(nbformat.writes(other).encode(), released)
