"""How numbers are written, and how other people's texts and names are made fit to be shown."""

import re
import unicodedata

# Controls, halves of surrogate pairs and code points that are no characters: none may stand in a page.
_UNFIT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# What turns the direction of the text after it, and would reach beyond the text that it stands in.
_TURNS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
MINUS = "\u2212"
NO_BREAK = "\u00a0"  # a space at which no line ends
KEPT_END = 16  # characters: room for " + rerank 1000"
TORN_WORD = 20  # characters; a longer word is cut rather than left out


def shown(text: str, width: int) -> str:
    """A text on one line of at most ``width`` characters, as a page may hold it.

    ``…`` stands for what is left out, ``�`` for a character that no page may hold. It is not escaped.
    """
    start = text[: 20 * width]  # a whole book need not be looked at
    clean = " ".join(_TURNS.sub("", _UNFIT.sub("\ufffd", start)).split())
    if len(clean) <= width and len(start) == len(text):
        return clean
    return _first_words(clean, width - 1) + "…"


def _first_words(text: str, width: int) -> str:
    """The first ``width`` characters at most; a last word or letter that would be torn is left out."""
    end = min(width, len(text))
    while 0 < end < len(text) and unicodedata.combining(text[end]):
        end -= 1
    words = text[:end].rpartition(" ")
    torn = end < len(text) and text[end] != " " and len(words[2]) <= TORN_WORD
    return (words[0] if torn and words[0] else text[:end]).rstrip()


def name(text: str, width: int = 60) -> str:
    """A name of a system, a model or a collection: never empty, and cut in its middle.

    The end of a name tells most: a depth, the last folder of a path.
    """
    clean = shown(text, len(text) + 1) or "(no name)"
    if len(clean) <= width:
        return clean
    return f"{clean[: width - KEPT_END - 1].rstrip()}…{clean[-KEPT_END:].lstrip()}"


def number(value: float) -> str:
    """A measure with three decimals: ``0.568``."""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """A difference with its sign: ``+0.044``, ``−0.012``, ``0.000``; more decimals where need be."""
    decimals = 3
    while value and decimals < 6 and round(value, decimals) == 0:
        decimals += 1
    text = f"{value:+.{decimals}f}"
    return f"{0:.3f}" if not float(text) else text.replace("-", MINUS)


def interval(low: float, high: float) -> str:
    """An interval of a difference in words: ``+0.012 to +0.077``."""
    return f"{signed(low)} to {signed(high)}"


def share(value: float) -> str:
    """A share in percent: ``47 %``."""
    return f"{100 * value:.0f}{NO_BREAK}%"


def duration(seconds: float) -> str:
    """A time with two figures: ``0.034 s``, ``2.1 s``, ``75 s``."""
    return f"{float(f'{seconds:.2g}'):g}{NO_BREAK}s"


def count(number: int, noun: str, plural: str = "") -> str:
    """A number and what it counts: ``1 query``, ``1,200 queries``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: list[str]) -> str:
    """Names in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
