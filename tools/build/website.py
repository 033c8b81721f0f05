"""Build the course as a website to read without running: `python tools/website.py [folder]`, or `make site`.

Sphinx with myst-nb makes a page of every executed notebook, every text in docs/ and every module of the
helper package. It runs on a copy with the course's own folders, so the links between them hold as they stand;
docs/site/ lies over that copy with Sphinx's settings and the pages that only the website has. Nothing is
executed and nothing is fetched, neither now nor when the pages are read.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.build.outline import ROOT, read_outline

COPIED = (
    "README.md", "LICENSE", "docs/*.md", "notebooks/*.ipynb", "exercises/*.ipynb", "solutions/*.ipynb",
    "rerank_course/*.py", "rerank_course/data/*/README.md",
)  # fmt: skip


class SiteError(Exception):
    """Why there is no website, and what to do."""


def gather(source: Path, root: Path = ROOT) -> None:
    """Copy what the website shows from the course at ``root`` into ``source``.

    Raises:
        SiteError: a lesson or an exercise has not been built.
    """
    missing = [name for name in read_outline(root).built() if not (root / name).exists()]
    if missing:
        raise SiteError(f"{', '.join(missing)}: not built yet. Run make build first.")
    for path in (path for pattern in COPIED for path in sorted(root.glob(pattern))):
        target = source / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copytree(
        root / "docs" / "site", source, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )


def build(folder: Path, root: Path = ROOT) -> int:
    """Build the website beside ``folder`` and put it in its place when it is complete; the number of pages.

    Raises:
        SiteError: a notebook is missing, or Sphinx warned: of a link that leads nowhere, for example. An
        older ``folder`` is untouched.
    """
    folder = folder.absolute()
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", suffix=".part", dir=folder.parent))
    try:
        gather(scratch / "source", root)
        _run_sphinx(scratch / "source", scratch / "site")
        if folder.exists():
            os.replace(folder, scratch / "old")
        os.replace(scratch / "site", folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return sum(
        "_static" not in path.parts for path in folder.rglob("*.html")
    )  # Sphinx leaves two templates in _static


def _run_sphinx(source: Path, target: Path) -> None:
    """Warnings are errors, and all of them are shown."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-b",
        "html",
        "--quiet",
        "--fail-on-warning",
        "-d",
        str(source.with_name("doctrees")),
    ]
    run = subprocess.run(
        [*command, str(source), str(target)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode:
        raise SiteError(
            f"Sphinx said:\n{(run.stdout + run.stderr).strip().replace(str(source) + os.sep, '')}"
        )


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_site"
    try:
        pages = build(target)
    except SiteError as error:
        sys.exit(f"\nNo website was built; what was there before is kept. {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. What was there before is kept.")
    print(
        f"{pages} pages in {target}. Open {target / 'index.html'} in a browser, or copy the folder to any web server."
    )
