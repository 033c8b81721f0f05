"""What counts as a candidate: a piece of text that can be retrieved and scored."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

TEXT_KEYS = ("content", "page_content", "text")
# Letters and marks that show nothing, though their category does not say so: fillers, joiners, variation
# selectors, an empty Braille cell. Source: Default_Ignorable_Code_Point in Unicode's
# DerivedCoreProperties.txt, and U+2800.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)]))
)
_INVISIBLE_CATEGORIES = ("Cc", "Cf", "Zs", "Zl", "Zp")  # controls, formats, spaces, separators


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


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: it is empty, or white space, or characters that nobody can see."""
    return all(
        character in _INVISIBLE or unicodedata.category(character) in _INVISIBLE_CATEGORIES
        for character in text
    )


def half_character(text: str) -> int | None:
    """The position of the first half of a surrogate pair, which no model can take; ``None`` if none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def text_of(candidate: Any, name: str = "candidate") -> str:
    """The text of a candidate, as a model reads it.

    A candidate is a string; an object with ``.content`` (``Chunk``, a Haystack ``Document``),
    ``.page_content`` (LangChain's) or ``.text`` (LlamaIndex's nodes, those of ``rerankers``); a mapping with
    one of these as a key; or such a thing and its score, as a retriever gives them: ``(document, 0.7)``.

    Args:
        candidate: what to take the text from.
        name: what an error calls it, for example ``candidates[3]``.

    Raises:
        TypeError: it is none of these, or its text is not a string.
        ValueError: its text shows nothing, or holds half a character.
    """
    if is_scored(candidate):
        candidate = candidate[0]
    text = candidate if isinstance(candidate, str) else _text_field(candidate)
    if text is _MISSING:
        raise TypeError(
            f"{name} is a {type(candidate).__name__} without text. Pass a string, an object with "
            f".{', .'.join(TEXT_KEYS)}, or a mapping with one of the keys {', '.join(TEXT_KEYS)}."
        )
    if not isinstance(text, str):
        raise TypeError(f"The text of {name} is a {type(text).__name__}, not a string.")
    check_text(text, name)
    return text


def check_text(text: str, name: str) -> None:
    """Raise a ``ValueError`` that names the text if it shows nothing or holds half a character."""
    if is_blank(text):
        raise ValueError(
            f"{name} has no text. Leave empty candidates out before reranking: nothing in them can be scored."
        )
    position = half_character(text)
    if position is not None:
        raise ValueError(
            f"{name} holds half a character, {text[position]!a} at position {position}. Replace it."
        )


def is_scored(candidate: Any) -> bool:
    """Whether this is a candidate with its score. Named tuples are rows: they have their text by name."""
    return (
        type(candidate) is tuple
        and len(candidate) == 2
        and isinstance(candidate[1], Real)
        and not isinstance(candidate[1], bool)
    )


def _text_field(candidate: Any) -> Any:
    """The first of ``TEXT_KEYS`` that a candidate has, as a key or as an attribute."""
    if isinstance(candidate, Mapping):
        return next((candidate[key] for key in TEXT_KEYS if key in candidate), _MISSING)
    fields = (getattr(candidate, key, _MISSING) for key in TEXT_KEYS)
    return next((field for field in fields if field is not _MISSING and not callable(field)), _MISSING)


_MISSING: Any = object()
