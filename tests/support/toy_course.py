"""A course of one lesson and one exercise, without models, which a test writes and builds."""

import nbformat

from tools.build import notebooks as build
from tools.build.outline import read_outline

EXERCISE = '''\
# %% [markdown]
# # {title}
#
# {minutes} minutes, {points} points

# %% role="solution" id="double"
def double(number):
    """Twice the number."""
    ### BEGIN SOLUTION
    secret_way = number + number
    return secret_way
    ### END SOLUTION

# %%
print("public check")

# %% role="graded" id="double-graded" points=3
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double("hidden") == "hiddenhidden"
### END HIDDEN TESTS

# %% [markdown] role="written" id="why" points=2
# ### BEGIN SOLUTION
# Because secret words.
# ### END SOLUTION
'''


OUTLINE = """
[[lesson]]
name = "test"
title = "A test"
minutes = 5
shows = "nothing"

[lesson.exercise]
name = "twice"
title = "Twice"
minutes = 3
"""


class Course:
    """A course folder of one lesson and its exercise, which a test writes and builds."""

    def __init__(self, root):
        self.root = root
        (root / "lessons" / "exercises").mkdir(parents=True)
        (root / "rerank_course").mkdir()
        self.write("rerank_course/helper.py", "x = 1\n")
        self.write("lessons/course.toml", OUTLINE)
        self.write("lessons/exercises/twice.py", EXERCISE)
        self.write("lessons/test.py", "# %% [markdown]\n# # {title}\n")

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")
        return self.root / name

    def read(self, text, name="lessons/test.py"):
        """The notebook that this source gives."""
        return build.read_source(self.write(name, text), self.root)

    def lesson(self, text, **options):
        """Write the lesson and build it; the paths that changed."""
        self.write("lessons/test.py", text)
        outline = read_outline(self.root)
        return build.build_lesson(outline.lessons[0], outline, root=self.root, **options)

    def exercise(self, text):
        self.write("lessons/exercises/twice.py", text)
        outline = read_outline(self.root)
        return build.build_exercise(outline.exercises[0], outline, root=self.root)


def read(path):
    return nbformat.read(path, as_version=4)
