"""What students get, as a zip: `python -m classroom.handout FILE.zip`, or `make handout OUT=FILE.zip`.

Lessons, exercises, the package with its lock, and a README and a Makefile of their own. No solution, hidden
test, rubric, teaching guide or test comes in: only what is listed here is copied, and each text is searched
for the marks of what is hidden before the zip is written.
"""

import ast
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.build.outline import ROOT, Outline, OutlineError, read_outline

FOLDER = "reranking-course"
PACKAGE = "rerank_course"
DOCUMENTS = (
    "docs/benchmarks.md",
    "docs/glossary.md",
    "docs/interop.md",
    "docs/own_texts.md",
    "LICENSE",
    "requirements.txt",
    "requirements/finetune.txt",
    "requirements/scale.txt",
)
INSTALLER = "tools/setup/install.py"
SETTINGS = "tools/setup/lab_settings"
TABLES = ("build-system", "project", "tool.setuptools")  # of pyproject.toml: the rest is for maintainers
HIDDEN = ("BEGIN HIDDEN TESTS", "BEGIN SOLUTION", "END SOLUTION", "docs/teaching.md", "docs/rubrics.md")
LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)*(?:solutions|lessons|tools|tests)/[^)\s]*\)")
WHEN = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip

TEMPLATES = Path(__file__).with_name("handout_files")


class HandoutError(Exception):
    """Why there is no hand-out, and what to do."""


def contents(root: Path = ROOT) -> dict[str, bytes]:
    """{path: content} of all that students get.

    Raises:
        HandoutError: something has not been built, or holds what is hidden.
    """
    outline = read_outline(root)
    paths = [*(f"notebooks/{lesson.file}" for lesson in outline.lessons)]
    paths += [f"exercises/{exercise.file}" for exercise in outline.exercises]
    if missing := [path for path in paths if not (root / path).is_file()]:
        raise HandoutError(f"{', '.join(missing)}: not built yet. Run make build first.")
    paths += [path for path in DOCUMENTS if (root / path).is_file()]
    paths += [*_package(root), *_installer(root)]
    found = {path: (root / path).read_bytes() for path in paths}
    found |= {path: _without_dead_links(found[path]) for path in paths if path.endswith((".ipynb", ".md"))}
    if (root / "pyproject.toml").is_file():
        found["pyproject.toml"] = _project(root).encode()
    for name in ("README.md", "Makefile"):
        template = TEMPLATES / f"{name.removesuffix('.md')}.txt"
        found[name] = _filled(template.read_text(encoding="utf-8"), outline).encode()
    _refuse_hidden(found)
    return found


def _package(root: Path) -> Iterator[str]:
    for path in sorted((root / PACKAGE).rglob("*")):
        inner = path.relative_to(root)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in inner.parts)
        if path.is_file() and not hidden:
            yield inner.as_posix()


def _installer(root: Path) -> Iterator[str]:
    """The installer with all modules of tools/ that it imports, and JupyterLab's settings."""
    waiting, seen = [INSTALLER], set()
    while waiting:
        path = waiting.pop()
        if path in seen or not (root / path).is_file():
            continue
        seen.add(path)
        for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                beside = PurePosixPath(path).parent / f"{name.replace('.', '/')}.py"
                waiting += [f"{name.replace('.', '/')}.py", str(beside)]
    for folder in {PurePosixPath(path).parent for path in seen}:
        seen |= {str(parent / "__init__.py") for parent in (folder, *folder.parents)}
    yield from sorted(path for path in seen if (root / path).is_file())
    for setting in sorted((root / SETTINGS).rglob("*")):
        if setting.is_file():
            yield setting.relative_to(root).as_posix()


def _without_dead_links(content: bytes) -> bytes:
    """A link to what is not handed out becomes its text."""
    return LINK.sub(r"\1", content.decode("utf-8")).encode()


def _project(root: Path) -> str:
    """pyproject.toml without what only maintainers use."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    return "".join(table for table in tables if table.lstrip("[").startswith(TABLES))


def _filled(text: str, outline: Outline) -> str:
    rows = []
    for lesson in outline.lessons:
        exercise = f"[{lesson.exercise.title}](exercises/{lesson.exercise.file})" if lesson.exercise else ""
        link = f"[{lesson.number} {lesson.title}](notebooks/{lesson.file})"
        rows.append(f"| {link} | {lesson.minutes} | {exercise} |")
    known = {"FIRST": f"notebooks/{outline.lessons[0].file}", "LESSONS": "\n".join(rows)}
    known |= {"SETTINGS": SETTINGS}
    return re.sub(r"@(\w+)@", lambda found: known[found[1]], text)


def _refuse_hidden(found: dict[str, bytes]) -> None:
    """The last look, whatever the list above says."""
    for path, content in found.items():
        for mark in HIDDEN:
            if mark.encode() in content:
                raise HandoutError(
                    f"{path} holds {mark!r}, which students must not get. Nothing was written."
                )


def write_handout(file: Path, root: Path = ROOT) -> int:
    """Write the zip whole or not at all; how many files are in it."""
    found = contents(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(file.name + ".part")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(found.items()):
            entry = zipfile.ZipInfo(f"{FOLDER}/{path}", WHEN)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    os.replace(scratch, file)
    return len(found)


def main(arguments: list[str]) -> int:
    file = Path(arguments[0] if arguments else f"{FOLDER}.zip")
    if file.is_dir():
        file /= f"{FOLDER}.zip"
    try:
        number = write_handout(file)
    except (HandoutError, OutlineError) as error:
        print(f"No hand-out was written. {error}", file=sys.stderr)
        return 1
    print(f"{number} files in {file} ({file.stat().st_size / 1e6:.1f} MB).")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
