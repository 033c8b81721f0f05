"""The model cache: folders that are made once, whole or not at all, and checked each time."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

CACHE_VARIABLE = "RERANK_COURSE_CACHE"
MANIFEST = "manifest.json"
NEEDED_BYTES = 300_000_000
LOCK_SECONDS = 300
LONG_LOCK_SECONDS = 4 * 3600  # for what takes long to make; a process that ends leaves its lock


class WeightsError(RuntimeError):
    """Packaged weights are missing or damaged, or the restored folder cannot be written."""


def cache_folder() -> Path:
    """Where models are kept: ``$RERANK_COURSE_CACHE``, else a folder in the user's own cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("rerank_course"))


def made_once(
    name: str,
    write: Callable[[Path], None],
    what: str,
    *,
    needed_bytes: int = NEEDED_BYTES,
    lock_seconds: float | None = None,
) -> Path:
    """The folder ``name`` of the model cache; the first call has ``write`` fill it.

    Safe when several processes call at once and when one is killed: a folder is written under a temporary
    name and renamed when it is complete, and a folder that does not match its manifest is made again.

    Args:
        write: a function that writes all files into the empty folder that it is given.
        what: what is being prepared, for the line that says so.
        needed_bytes: how much room it needs on the disk, about.
        lock_seconds: how long to wait for another process that is preparing it; ``None``: five minutes.

    Raises:
        WeightsError: the cache folder cannot be written, or another process holds it too long.
    """
    folder = cache_folder() / name
    patience = LOCK_SECONDS if lock_seconds is None else lock_seconds
    if _is_intact(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _held(folder, patience):
            if not _is_intact(folder):  # another process may have made it while this one waited
                print(f"Preparing {what} in {folder} (once) …", file=sys.stderr, flush=True)
                _replace_folder(folder, write)
    except filelock.Timeout:
        raise WeightsError(
            f"Another process has been preparing {folder} for {patience:g} s. "
            "End it, or wait, and call again."
        ) from None
    except OSError as error:
        raise WeightsError(
            f"The model cache {folder.parent} cannot be written: {error}."
            f"{_too_little_room(folder, needed_bytes)} Set the environment variable {CACHE_VARIABLE} to a "
            "folder that you can write to."
        ) from error
    return folder


@contextmanager
def _held(folder: Path, patience: float) -> Iterator[None]:
    """Hold the folder's lock; say so where another process has it."""
    lock = filelock.FileLock(folder.with_suffix(".lock"))
    try:
        lock.acquire(timeout=min(1, patience))
    except filelock.Timeout:
        print(f"Another process is preparing {folder}; waiting for it …", file=sys.stderr, flush=True)
        lock.acquire(timeout=patience)
    try:
        yield
    finally:
        lock.release()


def _replace_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a complete folder beside ``folder``, then put it in its place. The caller holds the lock."""
    for leftover in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(scratch)
        manifest = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(scratch.iterdir())
        }
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        scratch.chmod(0o755)  # mkdtemp and safetensors make them private; a classroom may share one cache
        for path in scratch.iterdir():
            path.chmod(0o644)
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_intact(folder: Path) -> bool:
    """Whether every file is there, with the size and the SHA-256 that the folder's manifest says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = [(folder / name, facts) for name, facts in manifest.items()]
        # Sizes first: they cost nothing and find a truncated file.
        return (
            bool(files)
            and all(path.stat().st_size == facts["bytes"] for path, facts in files)
            and all(sha256(path) == facts["sha256"] for path, facts in files)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _too_little_room(folder: Path, needed_bytes: int) -> str:
    """A sentence that says so, or nothing."""
    free = _free_bytes(folder)
    if free >= needed_bytes:
        return ""
    return f" Only {free / 1e6:.0f} MB are free there; {needed_bytes / 1e6:.0f} MB are needed."


def _free_bytes(folder: Path) -> int:
    """Free space where ``folder`` is, or would be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return NEEDED_BYTES
