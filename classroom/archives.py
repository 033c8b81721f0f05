"""Zips and tars, read in memory: never unpacked to the disk, and never more of them than the bounds allow."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

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

OPENED = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
UNREADABLE = {  # archives that Python does not open
    ".7z": "a 7-Zip archive",
    ".rar": "a RAR archive",
    ".gz": "a file packed with gzip",
    ".bz2": "a file packed with bzip2",
    ".xz": "a file packed with xz",
    ".zst": "a file packed with Zstandard",
    ".zipx": "a zip of WinZip's own kind",
    ".dmg": "a disk image",
    ".iso": "a disk image",
}
UNPACK_FIRST = "Unpack it, or ask for the notebook or a .zip"
CORRUPT = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
ENCRYPTED = 0x1


def is_archive(name: str) -> bool:
    """Whether a file of this name is opened."""
    return OPENED.search(name) is not None


def unreadable_kind(name: str) -> str:
    """What an archive is that cannot be opened here; "" for any other file."""
    if is_archive(name):
        return ""
    return next((kind for ending, kind in UNREADABLE.items() if name.lower().endswith(ending)), "")


class _Spent(Exception):
    """An archive reached one of its bounds."""


class _Budget:
    """What an archive, with all archives in it, may still take."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds, self.bytes, self.entries = bounds, int(bounds.archive_mb * 1e6), bounds.archive_entries

    def take(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise _Spent(f"the archive unpacks to more than {self.bounds.archive_mb:g} MB")

    def count(self) -> None:
        self.entries -= 1
        if self.entries < 0:
            raise _Spent(f"the archive holds more than {self.bounds.archive_entries:,} files")


class _Counted(io.RawIOBase):
    """A stream whose bytes are taken from a budget."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self.stream, self.budget = stream, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self.stream.read(len(buffer))
        self.budget.take(len(data))
        buffer[: len(data)] = data
        return len(data)


def read_archive(path: Path, at: str, bounds: Bounds) -> Folder:
    """An archive as a folder; what could not be read of it is a file with a problem."""
    when = path.stat().st_mtime
    root = Folder(PurePosixPath(at).name, at, when, is_archive=True)
    try:
        with path.open("rb") as stream:
            _fill(root, stream, _Budget(bounds), depth=1)
    except OSError as error:
        _problem(root, f"the archive cannot be read: {error.strerror or error}")
    return root


def _problem(root: Folder, why: str) -> None:
    root.files.append(File(root.name, root.origin, root.modified, problem=why))


def _fill(root: Folder, stream: IO[bytes], budget: _Budget, depth: int) -> None:
    """Put an archive's files into its folder; ``root.name`` says what kind it is."""
    try:
        if root.name.lower().endswith(".zip"):
            _fill_from_zip(root, stream, budget, depth)
        else:
            _fill_from_tar(root, stream, budget, depth)
    except _Spent as spent:
        _problem(root, f"{spent}; the rest was not read")
    except (*CORRUPT, ValueError, NotImplementedError, UnicodeError, MemoryError, OverflowError) as error:
        kind = "zip" if root.name.lower().endswith(".zip") else "archive"
        _problem(root, f"the {kind} cannot be read: {error}")


def _fill_from_zip(root: Folder, stream: IO[bytes], budget: _Budget, depth: int) -> None:
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            budget.count()
            inner = _inner(_zip_name(entry))
            why = next(_odd_entry(entry, inner), "")
            when = _zip_time(entry, root.modified)
            _add(
                root,
                inner,
                when,
                why,
                lambda entry=entry: archive.open(entry),
                entry.file_size,
                budget,
                depth,
            )


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """Finder writes UTF-8 without saying so, and zipfile then reads it as code page 437."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return entry.filename


def _zip_time(entry: zipfile.ZipInfo, otherwise: float) -> float:
    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError):
        return otherwise


def _odd_entry(entry: zipfile.ZipInfo, inner: PurePosixPath) -> Iterator[str]:
    yield from _climbs(inner)
    if stat.S_ISLNK(entry.external_attr >> 16):
        yield IS_A_LINK
    if entry.flag_bits & ENCRYPTED:
        yield "it is locked with a password"


def _climbs(inner: PurePosixPath) -> Iterator[str]:
    if len(inner.parts) > DEEPEST:
        yield f"it lies more than {DEEPEST} folders deep"
    if inner.is_absolute() or ".." in inner.parts or re.match(r"[A-Za-z]:", str(inner)):
        yield f"its path in the archive climbs out of the folder: {inner}"


def _inner(name: str) -> PurePosixPath:
    return PurePosixPath(readable(name.replace("\\", "/").replace("\0", "")))


def _fill_from_tar(root: Folder, stream: IO[bytes], budget: _Budget, depth: int) -> None:
    """Read from the beginning to the end, so that what it unpacks to can be counted."""
    counted = io.BufferedReader(_Counted(_uncompressed(root.name.lower(), stream), budget))
    with tarfile.open(fileobj=counted, mode="r|") as archive:
        for member in archive:
            if member.isdir():
                continue
            budget.count()
            inner = _inner(member.name)
            why = next(_climbs(inner), "")
            if not member.isreg():
                why = why or (IS_A_LINK if member.issym() or member.islnk() else "it is no ordinary file")
            # What it unpacks to is counted as it is read.
            free = _Budget(budget.bounds)
            free.entries = budget.entries
            _add(
                root,
                inner,
                member.mtime,
                why,
                lambda m=member: archive.extractfile(m),
                member.size,
                free,
                depth,
            )
            budget.entries = free.entries


def _uncompressed(name: str, stream: IO[bytes]) -> Any:
    """What a packed tar's stream unpacks to."""
    if name.endswith("gz"):
        return gzip.GzipFile(fileobj=stream)
    if name.endswith(("bz2", "bz")):
        return bz2.BZ2File(stream)
    return lzma.LZMAFile(stream) if name.endswith("xz") else stream


def _add(root: Folder, inner: PurePosixPath, when: float, why: str, opened, size: int, budget, depth) -> None:
    """Put one entry where it belongs in the tree."""
    parts = [part for part in inner.parts if part not in ("/", "..", ".")][-DEEPEST:] or ["nameless"]
    folder = root
    for part in parts[:-1]:
        if part == ".git":
            folder.is_repository = True
        if whose := leftover_of(part):
            at = f"{folder.origin}/{part}"
            if all(file.origin != at for file in folder.files):
                folder.files.append(File(part, at, problem=f"left behind by {whose}", is_leftover=True))
            return
        folder = _folder_in(folder, part)
    name = parts[-1]
    file = File(name, f"{root.origin}/{inner}", when)
    if whose := leftover_of(name):
        file.problem, file.is_leftover = f"left behind by {whose}", True
    elif why:
        file.problem = why
    elif is_archive(name):
        folder.folders.append(_nested(file, opened, size, budget, depth))
        return
    elif name.lower().endswith(READ):
        file.problem = too_large(size, budget.bounds)
        if not file.problem:
            limit = int(budget.bounds.file_mb * 1e6) if file.is_notebook else TEXT_BYTES
            try:
                file.content = _read(opened, limit, budget)
            except (*CORRUPT, ValueError, NotImplementedError) as error:
                file.problem = f"it cannot be read: {error}"  # the others may still be
    folder.files.append(file)


def _read(opened, limit: int, budget: _Budget) -> bytes:
    with opened() as handle:
        content = handle.read(limit)
    budget.take(len(content))
    return content


def _folder_in(folder: Folder, name: str) -> Folder:
    for known in folder.folders:
        if known.name == name and not known.is_archive:
            return known
    made = Folder(name, f"{folder.origin}/{name}", folder.modified)
    folder.folders.append(made)
    return made


def _nested(file: File, opened, size: int, budget: _Budget, depth: int) -> Folder:
    """An archive in an archive."""
    found = Folder(file.name, file.origin, file.modified, is_archive=True)
    if depth >= budget.bounds.archive_depth:
        _problem(found, f"it lies in more than {budget.bounds.archive_depth - 1} archives, one in the other")
    elif why := too_large(size, budget.bounds):
        _problem(found, why.replace("Ask for it with its outputs cleared", UNPACK_FIRST))
    else:
        content = _read(opened, int(budget.bounds.file_mb * 1e6), budget)
        _fill(found, io.BytesIO(content), budget, depth + 1)
    return found
