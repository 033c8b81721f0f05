"""The folder in which learners share their progress, and what stands in it.

Everybody in the class can write there, so nothing in it is trusted: links are not followed, pipes not opened,
large files not read, and what is not a learner's file is named with a reason.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rerank_course.learner.sharing import FILE_NAME, Shared, SharingError, read_shared

LARGEST = 64_000  # bytes; a file with every check of the course has a tenth of it
MOST_LEARNERS = 1_000
MOST_ENTRIES = 20_000  # of a folder that somebody filled


@dataclass(frozen=True)
class Learner:
    """One file of the folder, and what it says."""

    file: str
    shared: Shared

    @property
    def changed(self) -> datetime | None:
        """When the last check was passed."""
        return max(self.shared.passed.values(), default=None)


@dataclass(frozen=True)
class Room:
    """What a look at the folder found.

    Attributes:
        learners: in the order of their names.
        unreadable: (file, why), for files that are named as a learner's.
        others: how many more files and folders are there; they are not opened.
        left_out: whether there is more than is looked at.
    """

    learners: tuple[Learner, ...]
    unreadable: tuple[tuple[str, str], ...]
    others: int
    left_out: bool


class SharedFolder:
    """Looks at the folder again and again; a file that has not changed is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[tuple[int, ...], Learner | str]] = {}

    def look(self) -> Room:
        """What is there now.

        Raises:
            OSError: the folder cannot be read.
        """
        known: dict[str, tuple[tuple[int, ...], Learner | str]] = {}
        others, left_out = 0, False
        with os.scandir(self.folder) as entries:
            for number, entry in enumerate(entries):
                if number == MOST_ENTRIES or len(known) == MOST_LEARNERS:
                    left_out = True
                    break
                if FILE_NAME.fullmatch(entry.name):
                    known[entry.name] = self._read(entry)
                elif not entry.name.startswith("."):
                    others += 1
        self._known = known
        learners = [found for _, found in known.values() if isinstance(found, Learner)]
        unreadable = [(name, found) for name, (_, found) in known.items() if isinstance(found, str)]
        learners.sort(key=lambda one: (one.shared.name.casefold(), one.file))
        return Room(tuple(learners), tuple(sorted(unreadable)), others, left_out)

    def _read(self, entry: os.DirEntry) -> tuple[tuple[int, ...], Learner | str]:
        """(what tells a changed file, the learner or why there is none)."""
        try:
            state = entry.stat(follow_symlinks=False)
            sign = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_mode)
            if entry.name in self._known and self._known[entry.name][0] == sign:
                return self._known[entry.name]
            return sign, Learner(entry.name, read_shared(_content(Path(entry.path))))
        except SharingError as error:
            return sign, str(error)
        except OSError as error:
            return (), error.strerror or type(error).__name__


def _content(path: Path) -> bytes:
    """The bytes of an ordinary file of ordinary size.

    Raises:
        SharingError: it is something else.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise SharingError("it is a link" if path.is_symlink() else "it is no ordinary file")
    # Should it have become a link or a pipe since: neither is followed, and none is waited for.
    flags = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    with open(os.open(path, os.O_RDONLY | flags), "rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise SharingError(f"it is larger than {LARGEST // 1000} kB")
    return content


def names_twice(room: Room) -> set[str]:
    """Names that several learners chose."""
    names = Counter(one.shared.name for one in room.learners)
    return {name for name, number in names.items() if number > 1}


def notes(room: Room) -> Iterator[str]:
    """What else there is to say of the folder, in words."""
    if room.others:
        yield f"{room.others} other {'files are' if room.others > 1 else 'file is'} not looked at."
    if room.left_out:
        yield f"There are more than {MOST_LEARNERS} learners or {MOST_ENTRIES} files: the rest is left out."
