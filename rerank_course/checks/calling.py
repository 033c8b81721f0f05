"""Calling a learner's function, so that whatever it does becomes a verdict.

When a class is graded, the function runs in another process (tools/grading/lending.py). The frames of that
process come with its calls and errors; what looks at frames asks ``callers`` and ``steps_of``.
"""

import contextlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Any

from rerank_course.checks.answers import show
from rerank_course.checks.verdict import NotAttempted, Wrong

_REMOTE_CALLERS: ContextVar[tuple[str, ...]] = ContextVar("remote callers", default=())


@contextlib.contextmanager
def calls_from(files: Sequence[str]) -> Iterator[None]:
    """What is called meanwhile was called in another process, by code from these files."""
    token = _REMOTE_CALLERS.set(tuple(files))
    try:
        yield
    finally:
        _REMOTE_CALLERS.reset(token)


def callers() -> Iterator[str]:
    """The files of the functions that have called this one, in another process too."""
    yield from _REMOTE_CALLERS.get()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename
        frame = frame.f_back


def steps_of(error: BaseException) -> Sequence[traceback.FrameSummary]:
    """Where an error was raised, in the process in which it was."""
    remote = getattr(error, "remote_steps", None)
    return traceback.extract_tb(error.__traceback__) if remote is None else remote


def call(function: Any, *arguments: Any, **keywords: Any) -> Any:
    """Call the learner's function; an error inside it becomes a verdict."""
    name = name_of(function)
    try:
        answer = function(*arguments, **keywords)
    except NotImplementedError as error:
        raise _not_attempted(name, error) from None
    except (Exception, SystemExit) as error:  # anything a learner's code can raise
        raise Wrong(f"{name} raised {type(error).__name__}: {error}") from error
    if answer is None:
        raise Wrong(f"{name} returned None. Is a return statement missing?")
    return answer


def call_expecting_error(
    function: Any, given: str, named: Sequence[str], *arguments: Any, **keywords: Any
) -> Exception:
    """Call the learner's function with what it must refuse; the error that it raises.

    Args:
        given: what is wrong with the arguments, for the message, for example "an empty query".
        named: words of which the error's message must hold at least one, whatever else it says; the first is
            the one to recommend.

    Returns:
        Its ``ValueError`` or ``TypeError``.
    """
    name = name_of(function)
    should = f"Given {given}, {name} should raise a ValueError or TypeError that names {named[0]}"
    try:
        answer = function(*arguments, **keywords)
    except NotImplementedError as error:
        raise _not_attempted(name, error) from None
    except (ValueError, TypeError) as error:
        if any(_letters(word) in _letters(str(error)) for word in named):
            return error
        raise Wrong(
            f"Given {given}, {name} raised {type(error).__name__}: {error}. The caller cannot tell from it "
            "what to mend. Check for this case yourself, before it fails somewhere inside, and name "
            f"{named[0]} in the message."
        ) from error
    except (Exception, SystemExit) as error:
        why = " An assert is gone when Python runs with -O." if isinstance(error, AssertionError) else ""
        raise Wrong(f"{should}, but raised {type(error).__name__}: {error}.{why}") from error
    raise Wrong(f"{should}, but returned {show(answer)}. The caller would take that for a result.")


def _letters(text: str) -> str:
    """Without capitals, blanks and marks: a message may write "Batch size" for batch_size."""
    return "".join(filter(str.isalnum, text.casefold()))


def name_of(function: Any) -> str:
    if not callable(function):
        raise Wrong(f"Pass the function itself to the check, without brackets; it got {show(function)}.")
    return getattr(function, "__name__", "your function")


def _not_attempted(name: str, error: NotImplementedError) -> NotAttempted:
    """The verdict on a stub: the one that was called, or one that a finished function calls."""
    raised_in = next((step.name for step in reversed(steps_of(error))), name)
    unfinished = name if raised_in == name else f"{raised_in}, which {name} calls,"
    return NotAttempted(f"Write {unfinished} above, run its cell, then run this check again.")
