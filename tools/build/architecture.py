"""The architecture as the imports show it: modules, the rooms that they stand in, and the rooms' floors.

tests/test_house.py holds the rules; architecture_picture draws docs/architecture.svg.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "rerank_course"
LESSON_MODULES = "rerank_course"  # the room of the modules in the package's root, which lessons teach
GROUND = "text"  # the module on which all others stand
# From the ground up: a module imports from its own room and from floors below, from nowhere else.
FLOORS = (
    (GROUND,),
    ("texts",),
    ("engine",),
    (LESSON_MODULES,),
    ("scale", "finetune"),
    ("lab", "learner", "service", "report"),
    ("checks",),  # a check that passes is written into the learner's progress
    ("commands",),
    ("tools.build",),
    ("classroom", "tools.interop", "tools.site"),
    ("tools.setup", "tools.grading", "tools.bench"),
)


@dataclass(frozen=True)
class Module:
    """One module: its dotted ``name``, the ``file`` it stands in, and what it ``imports`` of the course."""

    name: str
    file: Path
    imports: frozenset[str]

    @property
    def room(self) -> str:
        """The room that it stands in, as ``FLOORS`` names it."""
        first, *rest = self.name.split(".")
        if first == "tools":
            return ".".join([first, *rest[:1]])
        if first != PACKAGE:
            return first
        if self.file.parent.name != PACKAGE:
            return rest[0]
        return {GROUND: GROUND, "__main__": "commands"}.get(rest[0] if rest else "", LESSON_MODULES)

    @property
    def lines(self) -> int:
        return len(self.file.read_text(encoding="utf-8").splitlines())


def read_modules(root: Path = ROOT) -> list[Module]:
    """Every module of the helper package, of classroom and of tools, in order of their names."""
    files = {
        _dotted(path.relative_to(root)): path
        for folder in (PACKAGE, "classroom", "tools")
        for path in (root / folder).rglob("*.py")
    }
    return [
        Module(name, files[name], frozenset(_imports(files[name], name, files))) for name in sorted(files)
    ]


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(file: Path, name: str, known: dict[str, Path]) -> Iterator[str]:
    """The course's modules that a file imports: at its head, inside a function, or for types only."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, name, file)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                if inner in known or origin in known:
                    yield inner if inner in known else origin


def _origin(node: ast.ImportFrom, name: str, file: Path) -> str:
    """The dotted name that ``from … import`` reads from, with its leading dots resolved."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def floor_of(room: str) -> int:
    """The height of a room's floor, 0 for the ground.

    Raises:
        KeyError: no floor has this room.
    """
    heights = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
    return heights[room]


def room_imports(modules: list[Module]) -> set[tuple[str, str]]:
    """{(room, another room that it imports from)}."""
    rooms = {module.name: module.room for module in modules}
    pairs = {(module.room, rooms[name]) for module in modules for name in module.imports}
    return {(room, other) for room, other in pairs if room != other}
