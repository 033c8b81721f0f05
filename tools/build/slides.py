"""Slides of the built lessons: `python -m tools.build.slides [folder] [--only 02]`, or `make slides`.

    notebooks/NN_NAME.ipynb  ->  _slides/NN_NAME.html     one file each, which needs no network

A lesson's source needs no marks for it. What becomes a slide: the title and what you will do; each
prediction, with its code where that is short; what came out, with the first words of the text that follows;
each other picture or table; what to remember; the quiz without its answers. `slides_cut.py` chooses,
`slides_page.py` draws.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat

from tools.build.outline import ROOT, Lesson, OutlineError, read_outline
from tools.build.slides_cut import cut
from tools.build.slides_page import page_of

FOLDER = "_slides"


class NotBuiltError(Exception):
    """A lesson has no built notebook."""


def write_slides(lesson: Lesson, folder: Path, root: Path = ROOT) -> Path:
    """Write a lesson's slides, whole or not at all; the file.

    Raises:
        NotBuiltError: its notebook is missing.
        OSError: the folder cannot be written to.
    """
    notebook = root / "notebooks" / lesson.file
    if not notebook.is_file():
        raise NotBuiltError(f"notebooks/{lesson.file} is not built yet. Run make build first.")
    slides = cut(nbformat.read(notebook, as_version=4))
    target = folder / f"{notebook.stem}.html"
    folder.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".part")
    text = page_of(f"{lesson.number} · {lesson.title}", slides)
    scratch.write_text(text, encoding="utf-8", newline="\n")
    os.replace(scratch, target)
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make slides of the built lessons, a file for each.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / FOLDER, help="where to (_slides)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only what has TEXT in its name")
    options = parser.parse_args(arguments)
    try:
        lessons = [lesson for lesson in read_outline().lessons if options.only in lesson.file]
        if not lessons:
            raise NotBuiltError(f"No lesson has {options.only!r} in its name.")
        for lesson in lessons:
            print(f"wrote {write_slides(lesson, options.folder)}")
    except (NotBuiltError, OutlineError, OSError) as error:
        print(f"Not made: {error}", file=sys.stderr)
        return 1
    print("Open a file in a browser. Arrows or space turn the slides, F fills the screen; it can be printed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
