"""Build the course as a website: `python -m tools.site.website [folder]`, or `make site`.

Sphinx with myst-nb makes a page of every notebook that the outline names, every text for teachers and
contributors, and every module of the helper package. It runs on a copy with the course's own folders, so the
links between them hold as they stand; docs/site/ lies over that copy with Sphinx's settings and the pages
that only the website has. No notebook is executed, and a page fetches nothing from elsewhere. `live.py` adds
the explorers that run in the pages; their libraries come from npm, and where that is missing the website is
built without them.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rerank_course.engine.cache import WeightsError
from rerank_course.service.signals import ended_by_signals
from tools.build.outline import ROOT, OutlineError, read_outline
from tools.site import live
from tools.site.explorers import ExplorerError

TEXTS = ("*.md", "LICENSE", "docs/*.md", "docs/*.svg", "rerank_course/texts/data/*/README.md")
PACKAGE = "rerank_course"
CHECKS = "checks"  # this room has no pages: a check knows the answer


class SiteError(Exception):
    """Why there is no website, and what to do."""


def gather(source: Path, root: Path = ROOT) -> None:
    """Copy what the website shows from the course at ``root`` into ``source``.

    Raises:
        SiteError: a lesson or an exercise has not been built.
    """
    notebooks = [root / name for name in read_outline(root).built()]
    missing = [path.relative_to(root).as_posix() for path in notebooks if not path.exists()]
    if missing:
        raise SiteError(f"{', '.join(missing)}: not built yet. Run make build first.")
    texts = [path for pattern in TEXTS for path in sorted(root.glob(pattern))]
    for path in [*texts, *notebooks, *_modules(root)]:
        target = source / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    without_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "docs" / "site", source, dirs_exist_ok=True, ignore=without_caches)


def _modules(root: Path) -> list[Path]:
    """The helper package's modules; of the files named __init__ only the front door."""
    package = root / PACKAGE
    return [
        path
        for path in sorted(package.rglob("*.py"))
        if path.parent == package
        or (path.name != "__init__.py" and path.relative_to(package).parts[0] != CHECKS)
    ]


def build(folder: Path, root: Path = ROOT) -> int:
    """Build the website beside ``folder`` and put it in its place when it is complete; the number of pages.

    Raises:
        SiteError: a notebook is missing, or Sphinx warned: of a link that leads nowhere, for example. An
        older ``folder`` is untouched.
        ExplorerError, WeightsError: as ``tools.site.live``; the same holds.
    """
    folder = folder.absolute()
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", suffix=".part", dir=folder.parent))
    try:
        gather(scratch / "source", root)
        reason = live.prepare(scratch / "source", root)
        _run_sphinx(scratch / "source", scratch / "site")
        if reason is None:
            live.add_models(scratch / "site", root)
        else:
            print(f"The pages have no live model: {reason}.", file=sys.stderr)
        if folder.exists():
            os.replace(folder, scratch / "old")
        os.replace(scratch / "site", folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    # Sphinx leaves two templates in _static.
    return sum("_static" not in path.parts for path in folder.rglob("*.html"))


def _run_sphinx(source: Path, target: Path) -> None:
    """Warnings are errors, and all of them are shown."""
    sphinx = [sys.executable, "-m", "sphinx", "-b", "html", "--quiet", "--fail-on-warning"]
    command = [*sphinx, "-d", str(source.with_name("doctrees")), str(source), str(target)]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if run.returncode:
        said = (run.stdout + run.stderr).strip().replace(str(source) + os.sep, "")
        raise SiteError(f"Sphinx said:\n{said}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.site.website", description="Build the course as a website."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "_site", help="default: _site")
    target = parser.parse_args(arguments).folder
    try:
        with ended_by_signals():  # a job in the background may have SIGINT ignored
            pages = build(target)
    except (SiteError, OutlineError, ExplorerError, WeightsError) as error:
        print(f"\nNo website was built; what was there before is kept. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was there before is kept.", file=sys.stderr)
        return 1
    print(f"{pages} pages in {target}. Open {target / 'index.html'} in a browser, or copy the folder to any")
    print("web server. The live parts need a server: make site SERVE=1 starts one on this machine.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
