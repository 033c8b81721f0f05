"""What counts as a candidate: a piece of text that can be retrieved and scored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_TEXT_KEYS = ("content", "page_content", "text")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage of a document.

    ``content`` is what a model reads. With its heading (the default) that is the title, a new line, and the
    text; a chunk cut out of a page has often lost the words that say what it is about, and the heading holds
    them.
    """

    id: str
    text: str
    title: str = ""
    with_heading: bool = True

    @property
    def content(self) -> str:
        return f"{self.title}\n{self.text}" if self.with_heading and self.title else self.text

    def without_heading(self) -> "Chunk":
        """The same chunk, whose ``content`` is the bare text."""
        return replace(self, with_heading=False)


def text_of(candidate: Any, name: str = "candidate") -> str:
    """The text of a candidate, as a model reads it.

    A candidate is a string, an object with ``.content`` (``Chunk``) or ``.page_content`` (a LangChain
    ``Document``), or a mapping with one of the keys ``content``, ``page_content``, ``text``.

    Args:
        candidate: what to take the text from.
        name: what an error calls it, for example ``candidates[3]``.

    Raises:
        TypeError: it is none of these, or its text is not a string.
        ValueError: its text is empty or only white space.
    """
    text: Any
    if isinstance(candidate, str):
        text = candidate
    elif isinstance(candidate, Mapping):
        text = next((candidate[key] for key in _TEXT_KEYS if key in candidate), _MISSING)
    else:
        text = getattr(candidate, "content", getattr(candidate, "page_content", _MISSING))
    if text is _MISSING:
        raise TypeError(
            f"{name} is a {type(candidate).__name__} without text. Pass a string, an object with .content or "
            f".page_content, or a mapping with one of the keys {', '.join(_TEXT_KEYS)}."
        )
    if not isinstance(text, str):
        raise TypeError(f"The text of {name} is a {type(text).__name__}, not a string.")
    if not text.strip():
        raise ValueError(
            f"{name} has no text. Leave empty candidates out before reranking: nothing in them can be scored."
        )
    return text


_MISSING: Any = object()
