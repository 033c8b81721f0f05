"""``progress``: which checks are passed, and sharing that with a teacher."""

import argparse
import sys
from pathlib import Path


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "progress",
        help="which checks you have passed, and what comes next",
        description="Show which of the exercises' checks you have passed, and what comes next. "
        "It is kept in a file of yours on this machine; nothing is sent. If you say so, a copy stands in a "
        "folder that you share with your teacher.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--reset", action="store_true", help="forget all of it")
    what.add_argument(
        "--share", metavar="FOLDER", type=Path, help="keep a copy in FOLDER, for all who can read that folder"
    )
    what.add_argument("--stop-sharing", action="store_true", help="remove that copy, and make no other")
    parser.add_argument("--as", metavar="NAME", dest="name", help="the name in the copy: any that you like")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show the progress, share it, stop sharing it, or forget it."""
    if options.name is not None and options.share is None:
        raise ValueError("--as NAME belongs to --share FOLDER.")
    if options.share is not None:
        _share(options.share, options.name)
    elif options.stop_sharing:
        _stop()
    elif options.reset:
        _forget()
    else:
        _show()
    return 0


def _home() -> Path:
    """The folder in which progress is kept.

    Raises:
        ValueError: none is kept here.
    """
    from rerank_course.learner.progress import PROGRESS_VARIABLE, progress_file

    file = progress_file()
    if file is None:
        raise ValueError(
            f"no progress is kept here, since the environment variable {PROGRESS_VARIABLE} is empty."
        )
    return file.parent


def _show() -> None:
    from rerank_course.learner.progress import progress_file, show_progress

    show_progress()
    file = progress_file()
    if file is not None:
        alone = "" if _say_what_is_shared(file.parent) else ", on this machine alone"
        print(f"Kept in {file}{alone}. To forget it: python -m rerank_course progress --reset")


def _say_what_is_shared(home: Path) -> bool:
    """Say where a copy is, and bring it up to date; whether one is shared."""
    from rerank_course.learner.progress import passed_checks
    from rerank_course.learner.sharing import sharing
    from rerank_course.learner.sharing_renewal import finish, renew

    try:
        shared = sharing(home)
    except (OSError, ValueError) as error:
        print(error)
        return False
    if shared is None:
        return False
    renew(home, passed_checks)
    print(f"Shared as “{shared.name}” in {shared.file}.")
    if not finish() or not shared.file.is_file():
        print("That folder cannot be reached now. It is tried again when you pass a check.")
    print("To end it: python -m rerank_course progress --stop-sharing")
    return True


def _share(folder: Path, name: str | None) -> None:
    from rerank_course.learner.progress import passed_checks
    from rerank_course.learner.sharing import share

    home = _home()
    if name is None:
        if not sys.stdin.isatty():
            raise ValueError("say under which name to share, any that you like: --share FOLDER --as NAME")
        name = input("Under which name? Any that you like: ")
    shared = share(home, folder, name, passed_checks())
    print(f"Shared with all who can read that folder: {shared.file}\nThis is what the file holds:\n")
    print(shared.file.read_text(encoding="utf-8"))
    print("It is written anew when you pass a check.")
    print("To end it and remove the file: python -m rerank_course progress --stop-sharing")


def _stop() -> None:
    from rerank_course.learner.sharing import stop_sharing

    try:
        before = stop_sharing(_home())
    except OSError as error:
        print(f"Nothing is shared from now on. The file is still there: {error}. Remove it by hand.")
        return
    print(f"No longer shared; {before.file} is removed." if before else "Nothing was shared.")


def _forget() -> None:
    from rerank_course.learner.progress import forget

    print(f"Forgotten: {forget()} passed checks.")
