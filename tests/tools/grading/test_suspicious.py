from nbformat.v4 import new_code_cell

from tests.tools.grading.toy_course import solved
from tools.grading.suspicious import suspicious


def test_what_starts_programs_or_wants_the_network_is_named(handed_out):
    more = "import requests, urllib.request\nfrom os import system\n!ls ../solutions/"
    (note,) = suspicious(solved(handed_out, more=more))
    assert note == (
        "its code starts programs (system), wants the network (requests), wants the network (urllib.request)"
    )


def test_what_any_notebook_does_is_not(handed_out):
    more = ["%matplotlib inline", "%%time\nimport sys, socket, inspect, gc", "globals()", "eval('1')"]
    assert suspicious(solved(handed_out, more=more)) == []


def test_what_everybody_has_is_not(handed_out):
    notebook = solved(handed_out)
    notebook.cells.append(new_code_cell("import subprocess"))
    assert suspicious(notebook) == ["its code starts programs (subprocess)"]
    assert suspicious(notebook, {"import subprocess"}) == []
