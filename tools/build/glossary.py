"""Terms in lessons, linked to docs/glossary.md: `[words](term:NAME)`, with the definition as hover text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.build.outline import ROOT

DOCUMENT = "docs/glossary.md"
LINK = re.compile(r"\[([^\]]+)\]\(term:([^)]+)\)")
ENTRY = re.compile(r"^## (.+)\n\n((?:.+\n?)+)", re.MULTILINE)
LONGEST = 140  # characters of a hover text


class GlossaryError(Exception):
    """A lesson names a term that the glossary does not have, or an entry cannot be shown."""


@dataclass(frozen=True)
class Glossary:
    """``entries``: {term: what its first sentence says}; a term is found by its name or its anchor."""

    entries: Mapping[str, str] = field(default_factory=dict)

    def link(self, text: str) -> str:
        """A markdown text with its terms as links; notebooks stand one folder below the course's.

        Raises:
            GlossaryError: a term is not in the glossary.
        """
        return LINK.sub(lambda found: self._link(found[1], " ".join(found[2].split())), text)

    def _link(self, words: str, term: str) -> str:
        said = {anchor(name): sentence for name, sentence in self.entries.items()}.get(anchor(term))
        if said is None:
            raise GlossaryError(f"{DOCUMENT} has no entry '## {term}'.")
        hover = said.replace('"', "'")
        return f'[{words}](../{DOCUMENT}#{anchor(term)} "{hover}")'


def anchor(term: str) -> str:
    """The end of the address of a heading, as GitHub and myst make it."""
    return re.sub(r"[^\w\- ]", "", term.lower()).replace(" ", "-")


def read_glossary(root: Path = ROOT) -> Glossary:
    """The glossary of the course at ``root``; an empty one if there is none.

    Raises:
        GlossaryError: a term stands there twice, or its first sentence is too long for a hover text.
    """
    path = root / DOCUMENT
    if not path.exists():
        return Glossary()
    entries: dict[str, str] = {}
    for term, text in ENTRY.findall(path.read_text(encoding="utf-8")):
        sentence = first_sentence(text)
        if term in entries or len(sentence) > LONGEST:
            what = "is there twice" if term in entries else f"begins with more than {LONGEST} characters"
            raise GlossaryError(f"{DOCUMENT}: the entry {term!r} {what}.")
        entries[term] = sentence
    return Glossary(entries)


def first_sentence(text: str) -> str:
    """Up to the first full stop before a blank, without markdown."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    plain = re.sub(r"[*`]", "", plain)
    return re.match(r".*?(?:[.!?](?= )|$)", plain)[0]  # type: ignore[index]
