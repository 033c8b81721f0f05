"""``doctor``: check this machine."""

import argparse


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    commands.add_parser(
        "doctor",
        help="check this machine and rerank one example",
        description="Check this machine and rerank one example.",
    ).set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 if all is there, else 1."""
    from rerank_course.learner.doctor import run_doctor

    return 0 if run_doctor() else 1
