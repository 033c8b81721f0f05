"""The course on the command line: ``rerank-course COMMAND`` or ``python -m rerank_course COMMAND``."""

import argparse
import sys
import warnings
from pathlib import PurePath

from rerank_course.commands import certificate, doctor, evaluate, fetch, progress, rerank, serve_hosted

COMMANDS = (doctor, progress, certificate, fetch, rerank, evaluate, serve_hosted)
SCRIPT = "rerank-course"


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; ``None`` takes this process's.

    Returns:
        0 if it succeeded, 1 if the doctor found a fault or a model was not fetched, 2 for unusable input, 130
        after Ctrl-C.
    """
    if hasattr(sys.stdout, "reconfigure"):  # a Windows console or LANG=C would stumble over a text's letters
        sys.stdout.reconfigure(encoding="utf-8")
    options = _parse(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return options.run(options)
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        print(f"rerank_course {options.command}: {error}", file=sys.stderr)
        return 2
    except (ImportError, SyntaxError) as error:  # SyntaxError: a file of a package that was cut off
        print(f"rerank_course {options.command}: {_why_not_loaded(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _why_not_loaded(error: ImportError | SyntaxError) -> str:
    """An error of the course's own says what to do; of another package's, the doctor does."""
    if type(error).__module__.startswith("rerank_course"):
        return str(error)
    from rerank_course.learner.packages import in_one_line

    said = in_one_line(error)
    return f"a package is missing or broken ({said}). To see which one: python -m rerank_course doctor"


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    """One line, without the place in the code, which is no use to somebody who typed a command."""
    print(f"warning: {message}", file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """The command line with all commands."""
    program = SCRIPT if PurePath(sys.argv[0]).stem == SCRIPT else "python -m rerank_course"
    parser = argparse.ArgumentParser(prog=program, description="The reranking course on the command line.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = make_parser()
    options, rest = parser.parse_known_args(arguments)
    # argparse takes files that follow an option for unknown arguments: rerank "query" --lines FILE
    if rest and (options.command != "rerank" or any(word.startswith("-") and word != "-" for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.files += rest
    return options


if __name__ == "__main__":
    sys.exit(main())
