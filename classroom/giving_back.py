"""Zips of feedback that Canvas and Moodle take back: each file under the name that the platform gave it.

Canvas finds a file by the two numbers in its name, and shows students the name of their own file beside the
content of ours, so a notebook answers a notebook (instructure/canvas-lms, assignment model,
``infer_comment_context_from_filename``). Moodle reads ``name_number_assignsubmission_file_`` and what follows
as the file's name (moodle/moodle, mod/assign/feedback/file/importziplib.php).
"""

import io
import os
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from classroom.platforms import Mark


@dataclass
class Feedback:
    """What one student gets back for one exercise: the same as a page and as a notebook."""

    exercise: str
    mark: Mark
    page: str  # HTML
    notebook: str  # JSON


def write_zips(feedback: Iterable[Feedback], folder: Path) -> list[Path]:
    """A zip for each exercise and platform, since platforms take them by assignment; their paths.

    Those of an earlier run are removed.
    """
    for old in folder.glob("feedback_*.zip"):
        old.unlink()
    zips: dict[tuple[str, str], dict[str, bytes]] = {}
    for one in feedback:
        makers = {"Canvas": _for_canvas, "Moodle": _for_moodle}
        named = makers.get(one.mark.platform, lambda one: None)(one)
        if named:
            zips.setdefault((one.mark.platform.lower(), one.exercise), {}).update([named])
    written = []
    for (platform, exercise), files in zips.items():
        path = folder / f"feedback_{platform}_{exercise}.zip"
        _write_zip(path, files)
        written.append(path)
    return written


def _for_canvas(one: Feedback) -> tuple[str, bytes] | None:
    """None where the student's file is of a kind that our answer cannot be."""
    mark = one.mark
    late, who = ("LATE_" if mark.late else ""), mark.name
    start = f"{late}anon_{mark.id}" if who == "anon" else f"{who}_{late}{mark.id}"
    name, ending = f"{start}_{mark.attempt}_{mark.file}", mark.file.lower().rpartition(".")[2]
    if ending == "ipynb":
        return name, one.notebook.encode()
    if ending == "zip":
        return name, _zipped({f"feedback_{one.exercise}.html": one.page.encode()})
    return (name, one.page.encode()) if ending in ("html", "htm") and mark.attempt else None


def _for_moodle(one: Feedback) -> tuple[str, bytes]:
    name = one.mark.name.replace("_", " ").replace("/", " ")
    return f"{name}_{one.mark.id}_assignsubmission_file_feedback.html", one.page.encode()


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(name, content)
    return packed.getvalue()


def _write_zip(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".part")
    scratch.write_bytes(_zipped(files))
    os.replace(scratch, path)
