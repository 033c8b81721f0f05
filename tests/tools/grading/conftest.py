import nbformat
import pytest

from tests.tools.grading.toy_course import EXERCISE, make_course


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """A course with one small exercise: the folder of it."""
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def handed_out(course):
    """The exercise as a student gets it."""
    return nbformat.read(course / "exercises" / f"{EXERCISE}.ipynb", as_version=4)
