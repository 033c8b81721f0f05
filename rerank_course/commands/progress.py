"""``progress``: which checks are passed."""

import argparse


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "progress",
        help="which checks you have passed, and what comes next",
        description="Show which of the exercises' checks you have passed, and what comes next. "
        "It is kept in a file of yours on this machine; nothing is sent.",
    )
    parser.add_argument("--reset", action="store_true", help="forget all of it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show the progress, or forget it."""
    from rerank_course.learner.progress import forget, progress_file, show_progress

    if options.reset:
        print(f"Forgotten: {forget()} passed checks.")
        return 0
    show_progress()
    if progress_file():
        print(
            f"Kept in {progress_file()}, on this machine alone. "
            "To forget it: python -m rerank_course progress --reset"
        )
    return 0
