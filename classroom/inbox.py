"""What lies in an inbox: a tree of folders and files, archives opened in memory and within bounds.

Nothing is unpacked to the disk, no link is followed, and nothing is left out: what is not looked into is a
file of the tree with a ``problem`` that says why.
"""

import os
import stat
from pathlib import Path

from classroom.archives import is_archive, read_archive
from classroom.tree import (
    DEEPEST,
    IS_A_LINK,
    READ,
    TEXT_BYTES,
    Bounds,
    File,
    Folder,
    leftover_of,
    readable,
    too_large,
)


def read_inbox(folder: Path, bounds: Bounds | None = None) -> Folder:
    """All that is in a folder, or in an archive.

    Raises:
        NotADirectoryError: ``folder`` is neither.
    """
    if folder.is_file() and is_archive(folder.name):
        archive = read_archive(folder, readable(folder.name), bounds or Bounds())
        return Folder("", "", folders=[archive])
    return _read_folder(folder, "", bounds or Bounds())


def _read_folder(path: Path, origin: str, bounds: Bounds) -> Folder:
    found = Folder(readable(path.name), origin, path.stat().st_mtime)
    with os.scandir(path) as entries:
        children = sorted(entries, key=lambda entry: entry.name)
    for child in children:
        name = readable(child.name)
        at = f"{origin}/{name}".lstrip("/")
        if name == ".git":
            found.is_repository = True
        if whose := leftover_of(name):
            found.files.append(File(name, at, problem=f"left behind by {whose}", is_leftover=True))
        elif child.is_symlink():
            found.files.append(File(name, at, problem=IS_A_LINK))
        elif child.is_dir() and at.count("/") >= DEEPEST:
            found.files.append(File(name, at, problem=f"it lies more than {DEEPEST} folders deep"))
        elif child.is_dir():
            found.folders.append(_folder_or_why(Path(child.path), name, at, bounds))
        elif is_archive(name):
            found.folders.append(read_archive(Path(child.path), at, bounds))
        else:
            found.files.append(_read_file(Path(child.path), name, at, bounds))
    return found


def _folder_or_why(path: Path, name: str, at: str, bounds: Bounds) -> Folder:
    try:
        return _read_folder(path, at, bounds)
    except OSError as error:
        return Folder(name, at, files=[File(name, at, problem=f"it cannot be read: {error.strerror}")])


def _read_file(path: Path, name: str, at: str, bounds: Bounds) -> File:
    try:
        status = path.lstat()
        file = File(name, at, status.st_mtime)
        if not stat.S_ISREG(status.st_mode):
            file.problem = "it is no ordinary file"
        elif name.lower().endswith(READ):
            file.problem = too_large(status.st_size, bounds)
            if not file.problem:
                limit = int(bounds.file_mb * 1e6) if file.is_notebook else TEXT_BYTES
                with path.open("rb") as handle:
                    file.content = handle.read(limit)
    except OSError as error:
        return File(name, at, problem=f"it cannot be read: {error.strerror}")
    return file
