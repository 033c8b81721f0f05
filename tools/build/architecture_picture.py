"""Draw docs/architecture.svg: `python -m tools.build.architecture_picture`, or `make build`.

The places of the rooms are chosen by hand, so that no arrow crosses a box; all else comes
from the imports. Tools have no arrows: they use nearly everything.
"""

import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tools.build.architecture import (
    FLOORS,
    LESSON_MODULES,
    ROOT,
    Module,
    floor_of,
    read_modules,
    room_imports,
)

PICTURE = "docs/architecture.svg"
UNIT, BOX, GAP, MARGIN = 45, 66, 30, 20  # pixels: a column, a box's height, between two floors, around it all
COLUMNS = 24
TITLE = "The rooms of the course"
ARROW_HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
)


@dataclass(frozen=True)
class Place:
    """Where a room stands, in columns from the left, what it is called, and what it is for."""

    start: int
    end: int
    title: str
    purpose: str


PLACES = {
    "text": Place(0, COLUMNS, "text", "what a text is: a Chunk, or a plain string"),
    "texts": Place(
        0, COLUMNS, "texts/", "the judged corpora, BEIR folders, your own documents and judgements"
    ),
    "engine": Place(0, COLUMNS, "engine/", "how a model gets here and runs: cache, weights, hub, int8"),
    LESSON_MODULES: Place(0, COLUMNS, "the package's root", "what the lessons teach"),
    "scale": Place(16, 20, "scale/", "a whole run, on Ray"),
    "finetune": Place(20, 24, "finetune/", "a model of your own"),
    "lab": Place(0, 4, "lab/", "pictures, explorers"),
    "learner": Place(4, 8, "learner/", "doctor, fetch, progress"),
    "service": Place(8, 12, "service/", "a hosted stand-in"),
    "report": Place(12, 16, "report/", "results, as one page"),
    "checks": Place(0, 6, "checks/", "an answer is right, or wrong and why"),
    "commands": Place(6, 14, "commands/", "what rerank-course does"),
    "tools.build": Place(8, 20, "tools/build/", "notebooks, and all else that is derived"),
    "classroom": Place(16, 20, "classroom/", "in and out of platforms"),
    "tools.bench": Place(20, 24, "tools/bench/", "what is how fast"),
    "tools.interop": Place(12, 16, "tools/interop/", "other people's clients"),
    "tools.site": Place(20, 24, "tools/site/", "the website"),
    "tools.setup": Place(12, 16, "tools/setup/", "install, lock, JupyterLab"),
    "tools.grading": Place(16, 20, "tools/grading/", "a class's notebooks"),
}
NAMES_WIDTH = 112  # characters of modules' names in a line
LEGEND = (
    "An arrow leads from a room to one that it imports from.",
    "What lies below that, it may use too; what lies above it, never.",
    "Yellow: what the lessons teach. Blue: what carries it or uses it.",
    "Green: tools, which no learner needs. They may use all that lies below.",
)
STYLE = """
  svg { font-family: system-ui, -apple-system, "Segoe UI", sans-serif }
  .page { fill: #ffffff } .box { fill: #eef3f8; stroke: #7b93ad } .taught { fill: #fdf1dc; stroke: #c08a2e }
  .tools { fill: #eef5ee; stroke: #7ea57e } text { fill: #1d2733 } .small { font-size: 12.5px; fill: #445262 }
  .title { font-size: 20px; font-weight: 600 } .name { font-size: 15px; font-weight: 600 }
  .count { font-size: 11.5px; fill: #66747f } .names { font-size: 11px; fill: #445262 }
  .arrow { stroke: #56687a; stroke-width: 1.4; fill: none } .head { fill: #56687a }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14191f } .box { fill: #1f2a36; stroke: #5d7894 } .taught { fill: #372c18; stroke: #c79a4b }
    .tools { fill: #1d2b21; stroke: #5f8a66 } text { fill: #e6edf3 } .small { fill: #b6c3cf }
    .names { fill: #b6c3cf } .count { fill: #93a1ad } .arrow { stroke: #93a6b8 } .head { fill: #93a6b8 }
  }
"""


def draw(modules: list[Module]) -> str:
    """The picture as SVG, with a text for those who cannot see it."""
    width, height = 2 * MARGIN + COLUMNS * UNIT, 2 * MARGIN + len(FLOORS) * (BOX + GAP) - GAP
    rooms = [room for floor in FLOORS for room in floor]
    arrows = sorted(pair for pair in needed(room_imports(modules)) if not is_tool(pair[0]))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="title about">\n<title id="title">{TITLE}</title>\n'
        f'<desc id="about">{escape(in_words(arrows))}</desc>\n<style>{STYLE}</style>\n{ARROW_HEAD}\n'
        f'<rect class="page" width="{width}" height="{height}" rx="8"/>'
    )
    lines = [_arrow(room, other) for room, other in arrows]
    return "\n".join([head, _legend(), *lines, *(_box(room, modules) for room in rooms), "</svg>", ""])


def is_tool(room: str) -> bool:
    return room.startswith("tools") or room == "classroom"


def needed(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows down that no path over other arrows replaces: lab uses engine over the root, for example."""
    down = {(room, other) for room, other in pairs if floor_of(other) < floor_of(room)}

    def leads(room: str, other: str) -> bool:
        return any(first == room and (second == other or leads(second, other)) for first, second in down)

    return {
        (room, other)
        for room, other in down
        if not any(first == room and leads(second, other) for first, second in down)
    }


def in_words(arrows: list[tuple[str, str]]) -> str:
    """What the picture says, a sentence for each room, from the ground up."""
    sentences = []
    for room in (room for floor in FLOORS for room in floor):
        below = [PLACES[other].title for first, other in arrows if first == room]
        stands = f" It stands on {' and '.join(below)}." if below else ""
        sentences.append(f"{PLACES[room].title}: {PLACES[room].purpose}.{stands}")
    return " ".join(sentences)


def _legend() -> str:
    x, lines = MARGIN + 5, [f'<text class="title" x="{MARGIN + 5}" y="{MARGIN + 22}">{TITLE}</text>']
    for number, line in enumerate(LEGEND):
        lines.append(f'<text class="small" x="{x}" y="{MARGIN + 48 + 19 * number}">{line}</text>')
    return "\n".join(lines)


def _top(room: str) -> int:
    return MARGIN + (len(FLOORS) - 1 - floor_of(room)) * (BOX + GAP)


def _arrow(room: str, other: str) -> str:
    """Straight down, in the middle of what two boxes have above each other."""
    over, under = PLACES[room], PLACES[other]
    x = MARGIN + UNIT * (max(over.start, under.start) + min(over.end, under.end)) / 2
    return f'<path class="arrow" marker-end="url(#head)" d="M{x:g} {_top(room) + BOX} V{_top(other) - 2}"/>'


def _box(room: str, modules: list[Module]) -> str:
    place = PLACES[room]
    inside = [module for module in modules if module.room == room]
    kind = "taught" if room == LESSON_MODULES else "tools" if is_tool(room) else "box"
    x, y, width = MARGIN + place.start * UNIT + 5, _top(room), (place.end - place.start) * UNIT - 10
    lines = [
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{BOX}" rx="6"/>',
        f'<text class="name" x="{x + 12}" y="{y + 23}">{escape(place.title)}</text>',
        f'<text class="small" x="{x + 12}" y="{y + 41}">{escape(place.purpose)}</text>',
        f'<text class="count" x="{x + 12}" y="{y + 57}">{_count(inside)}</text>',
    ]
    if place.end - place.start == COLUMNS and len(inside) > 1:
        for number, names in enumerate(textwrap.wrap(" · ".join(_names(inside)), NAMES_WIDTH)):
            at = f'x="{x + width - 12}" y="{y + 17 + 14 * number}"'
            lines.append(f'<text class="names" text-anchor="end" {at}>{escape(names.strip(" ·"))}</text>')
    return "\n".join(lines)


def _names(modules: list[Module]) -> list[str]:
    return [module.name.split(".")[-1] for module in modules if module.file.name != "__init__.py"]


def _count(modules: list[Module]) -> str:
    """Hundreds of lines: a picture that changed with every line would always be stale."""
    number = len(modules)
    lines = max(100, round(sum(module.lines for module in modules), -2))
    return f"{number} module{'s' * (number != 1)} · {lines:,} lines"


def write(root: Path = ROOT) -> None:
    """Draw the course at ``root`` as it is now."""
    (root / PICTURE).write_text(draw(read_modules(root)), encoding="utf-8")


if __name__ == "__main__":
    write()
