"""An inbox as a tree of folders and files, and how much of it is read."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

READ = (".ipynb", ".txt")  # of other files only the name counts
TEXT_BYTES = 100_000  # of a .txt; platforms put a page of facts into one
DEEPEST = 40  # folders in folders
IS_A_LINK = "it is a link to another file. Ask for the file itself"
LEFTOVERS = {  # folders and files that systems and editors leave behind, and whose they are
    "__MACOSX": "macOS",
    ".DS_Store": "macOS",
    ".ipynb_checkpoints": "Jupyter",
    ".virtual_documents": "Jupyter",
    ".git": "git",
    ".github": "git",
    ".gitignore": "git",
    ".gitattributes": "git",
    "__pycache__": "Python",
    ".venv": "Python",
    "Thumbs.db": "Windows",
    "desktop.ini": "Windows",
}


@dataclass(frozen=True)
class Bounds:
    """How much of an inbox is read."""

    file_mb: float = 100  # of one file, unpacked
    archive_mb: float = 1000  # of all that one archive unpacks to
    archive_entries: int = 10_000
    archive_depth: int = 3  # archives in archives


@dataclass
class File:
    """A file; ``content`` is None where it was not read, and ``problem`` says why if it should have been."""

    name: str
    origin: str  # its path in the inbox, through archives too
    modified: float = 0.0
    content: bytes | None = None
    problem: str = ""
    is_leftover: bool = False

    @property
    def is_notebook(self) -> bool:
        return self.name.lower().endswith(".ipynb") and not self.is_leftover


@dataclass
class Folder:
    """A folder or an archive, with what is in it."""

    name: str
    origin: str
    modified: float = 0.0
    is_archive: bool = False
    is_repository: bool = False
    files: list[File] = field(default_factory=list)
    folders: list["Folder"] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name, without the ending of an archive."""
        return without_ending(self.name) if self.is_archive else self.name

    def all_files(self) -> Iterator[File]:
        yield from self.files
        for folder in self.folders:
            yield from folder.all_files()

    @property
    def notebooks(self) -> list[File]:
        return [file for file in self.all_files() if file.is_notebook]


def readable(name: str) -> str:
    """A name that can be written to a table: accents in one form, and no half characters."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def without_ending(name: str) -> str:
    """An archive's name without ``.zip``, ``.tar.gz`` and the like."""
    stem = name.rsplit(".", 1)[0] if "." in name.strip(".") else name
    return stem[:-4] if stem.lower().endswith(".tar") else stem


def leftover_of(name: str) -> str:
    """Whose leftover a file or folder of this name is; "" for a student's."""
    return LEFTOVERS.get(name, "macOS" if name.startswith("._") else "")


def too_large(size: int, bounds: Bounds) -> str:
    """Why a file of this size is not read; "" if it is."""
    if size <= bounds.file_mb * 1e6:
        return ""
    found = f"the file has {size / 1e6:.0f} MB; the limit is {bounds.file_mb:g}"
    return f"{found}. Ask for it with its outputs cleared"
