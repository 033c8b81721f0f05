"""Which parts of a built lesson stand on slides, in which order."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from nbformat import NotebookNode

from tools.build.sources import PREDICT

CODE_LINES = 14  # that can be read on a projector; a longer cell stays in the notebook
OUTPUT_LINES = 16
TABLE_ROWS = 12
COMMENT_WORDS = 45  # of the text beside a result
REMEMBER_WORDS = 95  # on one slide
DO, BREAKS, QUIZ, REMEMBER = "**What you will do**", "**Where it breaks:**", "Quiz", "What to remember"
HEADING = re.compile(r"#{1,4} +(.+)")
RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
ROW = re.compile(r"<tr[^>]*>.*?</tr>\s*", re.DOTALL)
STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
DETAILS = re.compile(r"<details>.*?(?:</details>|\Z)", re.DOTALL)
FOLDED = "<details>"  # stands where an answer is folded away
NO_GUESS = re.compile(r" *Your guess: none yet\.")


@dataclass(frozen=True)
class Block:
    """A piece of a slide: ``text`` is Markdown, ``html`` an output's own; ``code``, ``output`` are plain."""

    kind: Literal["text", "code", "output", "html"]
    content: str


@dataclass(frozen=True)
class Slide:
    """One slide; ``kind`` decides its colours, for who looks from afar."""

    kind: Literal["title", "text", "question", "result"]
    heading: str
    blocks: tuple[Block, ...]


@dataclass
class Section:
    """What stands below one heading, in order: paragraphs of Markdown, and code cells."""

    heading: str
    items: list[str | NotebookNode] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [item for item in self.items if isinstance(item, str)]


def cut(notebook: NotebookNode) -> list[Slide]:
    """The slides of a built lesson."""
    first, *others = sections(notebook)
    slides = [_title(first), *_what_you_do(first)]
    for section in others:
        if section.heading == REMEMBER:
            slides += _remember(section)
        elif section.heading == QUIZ:
            asked = itertools.takewhile(lambda text: text != FOLDED, section.texts)
            slides.append(Slide("question", QUIZ, tuple(Block("text", text) for text in asked)))
            break  # what follows is for reading on
        else:
            slides += _of_section(section)
    return slides


def sections(notebook: NotebookNode) -> list[Section]:
    """A notebook cut at its headings; folded answers are left out."""
    found: list[Section] = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and found:
            found[-1].items.append(cell)
        elif cell.cell_type == "markdown":
            source = DETAILS.sub(f"\n{FOLDED}\n", cell.source)
            for text in paragraphs(RELATIVE_LINK.sub(r"\1", source)):
                if heading := HEADING.fullmatch(text):
                    found.append(Section(heading[1].replace("`", "")))
                elif found:
                    found[-1].items.append(text)
    return found


def paragraphs(source: str) -> Iterator[str]:
    """Markdown in pieces that blank lines part, headings by themselves; a block of code is one piece."""
    piece: list[str] = []
    fenced = False
    for line in [*source.splitlines(), ""]:
        ends = not fenced and (not line.strip() or HEADING.fullmatch(line))
        if ends and piece:
            yield "\n".join(piece)
            piece = []
        if HEADING.fullmatch(line) and not fenced:
            yield line
        elif line.strip() or fenced:
            fenced ^= line.startswith("```")
            piece.append(line)
    if piece:
        yield "\n".join(piece)


def _title(first: Section) -> Slide:
    return Slide("title", first.heading, (Block("text", shortened(first.texts[0])),) if first.texts else ())


def _what_you_do(first: Section) -> Iterator[Slide]:
    if DO in first.texts:
        place = first.texts.index(DO) + 1
        yield Slide("text", DO.strip("*"), (Block("text", first.texts[place]),))


def _remember(section: Section) -> Iterator[Slide]:
    """The points to remember, as many on a slide as can be read; where it breaks, by itself."""
    heap: list[str] = []
    for point in re.split(r"\n(?=- )", "\n".join(text for text in section.texts if text.startswith("- "))):
        if heap and len(" ".join([*heap, point]).split()) > REMEMBER_WORDS:
            yield Slide("text", section.heading, (Block("text", "\n".join(heap)),))
            heap = []
        heap.append(point)
    yield Slide("text", section.heading, (Block("text", "\n".join(heap)),))
    for text in section.texts:
        if text.startswith(BREAKS):
            breaks = text.removeprefix(BREAKS).strip()
            yield Slide("text", BREAKS.strip("*:"), (Block("text", breaks[0].upper() + breaks[1:]),))


def _of_section(section: Section) -> list[Slide]:
    """Predictions and what came out; elsewhere pictures and tables; at least the section's first words."""
    slides: list[Slide] = []
    asked = answered = comment_due = False
    for place, item in enumerate(section.items):
        if isinstance(item, str):
            if comment_due:
                slides[-1] = _with_comment(slides[-1], item)
            if PREDICT in item:
                question = Block("text", item[item.index(PREDICT) :])
                slides.append(Slide("question", section.heading, (question, *_code_after(section, place))))
            asked = PREDICT in item or (asked and not answered)
            answered = comment_due = False
        else:
            shown = [block for block in blocks_of(item) if asked or block.kind == "html"]
            slides += [Slide("result", section.heading, (block,)) for block in shown]
            answered, comment_due = True, bool(shown) or comment_due
    return slides or _opening(section)


def _opening(section: Section) -> list[Slide]:
    """A section of which nothing else is on a slide: its first words, and the last cell that printed."""
    words = [Block("text", shortened(text)) for text in section.texts if _is_prose(text)][:1]
    last: list[Block] = []
    for item in section.items:
        if not isinstance(item, str) and (printed := list(blocks_of(item))):
            last = [*_short(item, len(printed[-1].content.splitlines())), printed[-1]]
    return [Slide("text", section.heading, (*words, *last))] if words else []


def _with_comment(slide: Slide, text: str) -> Slide:
    """The slide with the first words of a text, unless the text asks the next question."""
    if PREDICT in text or not _is_prose(text):
        return slide
    return replace(slide, blocks=(*slide.blocks, Block("text", shortened(text))))


def _is_prose(text: str) -> bool:
    return not text.startswith(("- ", "|", "```", "1. ", FOLDED))


def _code_after(section: Section, place: int) -> list[Block]:
    """The code that a prediction is about, if it can be read from the last row."""
    after = [item for item in section.items[place + 1 :] if not isinstance(item, str) and not _is_guess(item)]
    return _short(after[0]) if after else []


def _short(cell: NotebookNode, below: int = 0) -> list[Block]:
    """A cell's code, if all of it can be read with so many lines below it."""
    return [Block("code", cell.source)] if len(cell.source.splitlines()) + below <= CODE_LINES else []


def _is_guess(cell: NotebookNode) -> bool:
    return "guess" in cell.metadata.get("tags", ())


def blocks_of(cell: NotebookNode) -> Iterator[Block]:
    """A cell's outputs; the box for a guess is none."""
    if _is_guess(cell):
        return
    for output in cell.outputs:
        data = output.get("data", {})
        if "text/html" in data:
            yield Block("html", _first_rows(STYLE.sub("", data["text/html"]).strip()))
        elif text := NO_GUESS.sub("", output.get("text", "") or data.get("text/plain", "")).strip("\n"):
            yield Block("output", _first_lines(text))


def _first_lines(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= OUTPUT_LINES + 1:
        return text
    return "\n".join([*lines[:OUTPUT_LINES], f"… and {len(lines) - OUTPUT_LINES} more lines in the notebook"])


def _first_rows(html: str) -> str:
    """A table without the rows that would make it too small to read."""
    head, _, body = html.partition("<tbody>")
    rows = ROW.findall(body)
    if len(rows) <= TABLE_ROWS + 1:
        return html
    note = f"<p>… and {len(rows) - TABLE_ROWS} more rows in the notebook</p>"
    return f"{head}<tbody>{''.join(rows[:TABLE_ROWS])}</tbody></table>{note}</div>"


def shortened(text: str, words: int = COMMENT_WORDS) -> str:
    """A paragraph's first sentences, as many as ``words`` allow, at least one; emphasis is kept whole."""
    short, *others = re.split(r"(?:(?<=[.?!])|(?<=[.?!]\*\*))\s+", text)
    for sentence in others:
        is_open = short.count("**") % 2 or short.count("`") % 2
        if not is_open and len(f"{short} {sentence}".split()) > words:
            break
        short += f" {sentence}"
    return short
