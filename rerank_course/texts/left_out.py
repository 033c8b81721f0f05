"""What a collection holds and a reader leaves out, counted and said in one warning."""

import warnings


class LeftOut:
    """Counts what is left out, by kind, and remembers where the first of each kind stands."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def add(self, kind: str, where: str) -> None:
        """Count one thing.

        Args:
            kind: what it is one of, in the plural: ``documents without text``.
            where: file and line, or what else finds it.
        """
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._first.setdefault(kind, where)

    def count(self, kind: str) -> int:
        """How many of a kind there were."""
        return self._counts.get(kind, 0)

    def __str__(self) -> str:
        return "; ".join(
            f"{kind}: {count:,} ({'the first' if count > 1 else 'it'} is {self._first[kind]})"
            for kind, count in self._counts.items()
        )

    def warn(self, source: object, stacklevel: int = 1) -> None:
        """Say in one warning what was left out of a source, if anything was.

        Args:
            source: what was read, as a person knows it.
            stacklevel: 1 blames the line that calls ``warn``, 2 the caller of that function.
        """
        if self._counts:
            warnings.warn(f"{source}: left out were {self}.", stacklevel=stacklevel + 1)
