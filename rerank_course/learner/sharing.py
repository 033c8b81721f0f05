"""A learner's progress in a folder that they chose to share, so that a teacher sees who is where.

Nothing is shared until the learner says so: ``python -m rerank_course progress --share FOLDER``. From then on
one small file stands in that folder, with a name of their choice and the checks that they have passed. It is
written anew, in the background, when a check is passed; nothing is sent in any other way. What a file of
somebody else's holds is read with suspicion: see ``read_shared``.
"""

import json
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import filelock

from rerank_course.learner.course import EXERCISES
from rerank_course.learner.progress_name import chosen_name, shown_name

SETTING = "sharing.json"  # beside the progress: where, and under which name
SETTING_FORMAT = "rerank_course sharing 1"
FORMAT = "rerank_course shared progress 1"
FILE_NAME = re.compile(r"progress-[0-9a-f]{8}\.json")  # two learners may choose one name
LOCK_SECONDS = 10
# A day outside is nobody's progress, and may have no local time.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class SharingError(ValueError):
    """Sharing cannot begin, or what stands in a file is not what this course writes."""


@dataclass(frozen=True)
class Sharing:
    """What a learner shares: under which ``name``, in which ``file``."""

    name: str
    file: Path


@dataclass(frozen=True)
class Shared:
    """What a learner's file says: the ``name``, and {"score_pairs.check_build_pairs": when passed, …}."""

    name: str
    passed: dict[str, datetime]


def sharing(home: Path) -> Sharing | None:
    """What is shared of the progress that is kept in the folder ``home``; ``None`` if nothing is.

    Raises:
        SharingError: the file that says it is damaged.
        OSError: it may not be read.
    """
    try:
        content = json.loads((home / SETTING).read_bytes())
        if content["format"] != SETTING_FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        return Sharing(chosen_name(content["name"]), Path(content["file"]))
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SharingError(
            f"{home / SETTING} does not say what is shared ({type(error).__name__}: {error}). "
            "Remove it, and share anew."
        ) from None


def share(home: Path, folder: Path, name: str, passed: Mapping[str, datetime]) -> Sharing:
    """Share from now on, under this name in this folder; a file that was shared before is removed.

    Raises:
        SharingError: there is no such folder.
        ValueError: the name is empty or cannot be shown.
        OSError: the folder may not be written to. Then nothing is shared, or what was shared before.
    """
    folder, name = folder.expanduser().absolute(), chosen_name(name)
    if not folder.is_dir():
        raise SharingError(f"{folder} is no folder that can be reached. Ask for the shared folder's place.")
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        before = sharing(home)
        if before and before.file.parent == folder:
            now = Sharing(name, before.file)
        else:
            now = Sharing(name, folder / f"progress-{secrets.token_hex(4)}.json")
        write_shared(now, passed)
        content = {"format": SETTING_FORMAT, "name": now.name, "file": str(now.file)}
        _write_whole(home / SETTING, content)
        if before and before.file != now.file:
            with suppress(OSError):
                before.file.unlink()
    return now


def stop_sharing(home: Path) -> Sharing | None:
    """Share no longer, and remove the file; what was shared, ``None`` if nothing was.

    Raises:
        OSError: the file could not be removed. Nothing is written into it any more.
        SharingError: as ``sharing``.
    """
    if not (home / SETTING).exists():
        return None
    lock = locked(home)
    with suppress(filelock.Timeout):  # a folder that hangs keeps it, and is no reason to go on sharing
        lock.acquire()
    try:
        before = sharing(home)
        (home / SETTING).unlink(missing_ok=True)
        if before and not before.file.parent.is_dir():
            raise FileNotFoundError(f"{before.file} is in a folder that cannot be reached")
        if before:
            before.file.unlink(missing_ok=True)
    finally:
        lock.release()
    return before


def locked(home: Path) -> filelock.BaseFileLock:
    """Held while what is shared is read and written, so that the newest stays."""
    return filelock.FileLock(home / "sharing.lock", timeout=LOCK_SECONDS)


def write_shared(now: Sharing, passed: Mapping[str, datetime]) -> None:
    """Write the learner's file, whole or not at all. The caller holds the lock.

    Raises:
        OSError: the folder is away, full or closed.
    """
    _write_whole(now.file, shared_content(now.name, passed))


def shared_content(name: str, passed: Mapping[str, datetime]) -> dict[str, object]:
    """What stands in a learner's file: all that anybody else gets to see."""
    known = {key: passed[key] for step in EXERCISES for key in step.keys if key in passed}
    days = {key: when.astimezone(UTC).isoformat(timespec="seconds") for key, when in known.items()}
    return {"format": FORMAT, "name": name, "passed": days}


def read_shared(content: bytes) -> Shared:
    """What a file in a shared folder says; anybody may have written anything there.

    Checks that the course does not have are left out, and of the name what cannot be shown.

    Raises:
        SharingError: it is no learner's file; the message says why in a few words.
    """
    try:
        data = json.loads(content)
        if data["format"] != FORMAT:
            raise SharingError("it is of another format")
        name, days = data["name"], dict(data["passed"])
        passed = {key: _day(days[key]) for step in EXERCISES for key in step.keys if key in days}
        name = shown_name(name)
    except SharingError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise SharingError(f"it is not what the course writes ({type(error).__name__})") from None
    if not name:
        raise SharingError("it has no name")
    return Shared(name, passed)


def _day(text: str) -> datetime:
    day = datetime.fromisoformat(text)
    day = (day if day.tzinfo else day.replace(tzinfo=UTC)).astimezone(UTC)
    if not EARLIEST < day < LATEST:
        raise SharingError("one of its days cannot be right")
    return day


def _write_whole(file: Path, content: object) -> None:
    """Write JSON beside the file, under a name that nobody can know before, and put it in its place."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    handle, scratch = tempfile.mkstemp(prefix=".", suffix=".part", dir=file.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        with suppress(OSError):  # some network folders have no modes
            os.chmod(scratch, 0o644)  # mkstemp's is for the writer's eyes alone
        os.replace(scratch, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(scratch)
        raise
