"""Where a part of an exercise builds on earlier ones, a mistake in those is named first."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from rerank_course.checks.calling import name_of
from rerank_course.checks.verdict import Verdict, Wrong


@contextlib.contextmanager
def with_earlier(parts: Iterable[tuple[Callable[..., Verdict], Callable]]) -> Iterator[None]:
    """If the check inside finds a mistake, and an earlier part has one, say that one.

    Args:
        parts: earlier parts, each a check and the learner's function for it, in their order.

    Raises:
        Wrong: the mistake of the first earlier part that is wrong, else the one found inside.
    """
    try:
        yield
    except Wrong as later:
        for check, function in parts:
            verdict = check(function)
            if verdict.status == "wrong":
                raise Wrong(
                    f"An earlier part is wrong, so this one may be right and cannot show it. Mend "
                    f"{name_of(function)} first: {verdict.message}"
                ) from later
        raise
