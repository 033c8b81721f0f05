"""``certificate``: a page that says that you have passed all checks."""

import argparse
import sys
from pathlib import Path

FILE = Path("certificate.html")


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "certificate",
        help="a page that says that you have passed all checks",
        description="Make a page, to print or to keep, that says that you have passed all checks. "
        "It is your own statement, from your progress on this machine.",
    )
    parser.add_argument("--name", required=True, help="your name, as it is to stand there")
    parser.add_argument("--out", metavar="FILE", type=Path, default=FILE, help=f"where to ({FILE})")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 if the page is written, 1 if checks are missing or an older page is kept."""
    from rerank_course.learner.certificate import NotCompleteError, certificate, write_certificate
    from rerank_course.learner.progress import passed_checks

    try:
        page = certificate(options.name, passed_checks())
    except NotCompleteError as error:
        print(f"No certificate is made. {error}\nWhat comes next: python -m rerank_course progress")
        return 1
    try:
        write_certificate(options.out, page)
    except FileExistsError:
        if not _may_replace(options.out):
            print(f"No certificate is made: {options.out} is there already. Give another file: --out FILE")
            return 1
        write_certificate(options.out, page, replace=True)
    print(f"Written: {options.out.absolute()}. Open it in a browser; it prints on one page.")
    return 0


def _may_replace(file: Path) -> bool:
    """Ask, where there is somebody to answer."""
    return sys.stdin.isatty() and input(f"{file} is there already. Replace it? [y/N] ").strip().lower() in (
        "y",
        "yes",
    )
