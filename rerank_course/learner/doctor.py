"""Is this machine ready for the course? One line for each thing that has to be there."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

from rerank_course.engine import weights
from rerank_course.engine.int8 import int8_folder
from rerank_course.learner.course import title_of

if TYPE_CHECKING:
    from packaging.requirements import Requirement

RUNNING_QUERY = "What is the reimbursement limit?"
RUNNING_IDS = ("pay-008", "exp-005", "exp-001")  # in an order that the reranker should change
# What requirements.txt installs: the course itself, the int8 engine, and what builds and tests it.
LOCKED_EXTRAS = ("", "documents", "int8", "dev")


def run_doctor(only_failures: bool = False) -> bool:
    """Check Python, each requirement, the kernel, the weights and a first rerank; a line for each.

    The line begins with OK or FAIL. Then say which models are here.

    Args:
        only_failures: do not print what is OK, nor the models: the course needs the packaged ones only.

    Returns:
        Whether all is OK.
    """
    failures = count = 0
    for name, check in _checks():
        count += 1
        try:
            note = check()
        except Exception as error:  # whatever it is, the other checks still tell something
            failures += 1
            print(f"FAIL  {name}: {error}", flush=True)
        else:
            if not only_failures:
                print(f"OK    {name}: {note}", flush=True)
    if not only_failures:
        _print_models()
    print(
        "All checks are OK."
        if not failures
        else f"{failures} of {count} checks failed. Mend the first one, then run this again."
    )
    return not failures


def _checks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "Python 3.11 or newer", _check_python
    yield from _requirement_checks()
    yield "Jupyter kernel python3", _check_kernel
    yield "reranker weights", lambda: f"as published, restored in {weights.reranker_folder()}"
    yield "embedder weights", lambda: f"as published, in {weights.embedder_folder()}"
    yield "int8 engine", lambda: f"made from the weights, in {int8_folder()}"
    yield "first rerank", _check_rerank


def _check_python() -> str:
    if sys.version_info < (3, 11):  # noqa: UP036  (somebody may run it with another Python than they installed)
        raise RuntimeError(
            f"this is {platform.python_version()}. Install a newer Python and run `make setup` again."
        )
    return platform.python_version()


def _requirement_checks() -> Iterator[tuple[str, Callable[[], str]]]:
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("rerank-course") or []
    except metadata.PackageNotFoundError:
        yield "rerank-course", _fail_uninstalled
        return
    for requirement in map(Requirement, lines):
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in LOCKED_EXTRAS
        ):
            continue  # of an optional extra, or for another system
        yield str(requirement).split(";")[0].strip(), partial(_check_requirement, requirement)


def _fail_uninstalled() -> str:
    raise RuntimeError("not installed. Run in the course's folder: pip install --no-deps -e .")


def _check_requirement(requirement: "Requirement") -> str:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        raise RuntimeError("not installed. Run: pip install -r requirements.txt") from None
    if not requirement.specifier.contains(version, prereleases=True):
        raise RuntimeError(f"{version} is installed. Run: pip install -r requirements.txt")
    return version


def _check_kernel() -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    command = spec.argv[0]
    # For these names Jupyter starts the Python that it runs in itself, whether or not one is on the PATH
    # (Debian has no "python").
    own = {"python", "python3", f"python3.{sys.version_info.minor}"}
    if command not in own and shutil.which(command) is None:
        raise RuntimeError(
            f"it starts {command}, which does not exist. Run: python -m ipykernel install --sys-prefix"
        )
    if command not in own and (prefix := _prefix_of(command)) and not os.path.samefile(prefix, sys.prefix):
        raise RuntimeError(
            f"it starts {command}, another Python than this one, in which notebooks do not find the course. "
            "Set the environment variable JUPYTER_PREFER_ENV_PATH to 1, or rename the folder "
            f"{spec.resource_dir}"
        )
    return spec.display_name


def _prefix_of(command: str) -> str | None:
    """Where a Python has its packages; ``None`` for what is not plainly one, such as a script around it."""
    ask = [command, "-c", "import sys; print(sys.prefix)"]
    run = subprocess.run(ask, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=60)
    prefix = run.stdout.strip()
    return prefix if run.returncode == 0 and os.path.isdir(prefix) else None


def _check_rerank() -> str:
    started = time.perf_counter()
    from rerank_course.models import load_reranker
    from rerank_course.rerank import rerank_documents
    from rerank_course.texts.corpora import load_corpus

    documents = load_corpus("handbook").documents
    ranking = rerank_documents(RUNNING_QUERY, [documents[i] for i in RUNNING_IDS], load_reranker())
    lines = [f'"{RUNNING_QUERY}" in {time.perf_counter() - started:.1f} s, imports included']
    lines += [f"      {score:8.2f}  {chunk.title}: {_shorten(chunk.text)}" for chunk, score in ranking]
    return "\n".join(lines)


def _print_models() -> None:
    from rerank_course.models import CATALOGUE, availability

    print(f"The rerankers of the lesson “{title_of('model_options')}” on this machine:")
    for option in CATALOGUE:
        try:
            state = availability(option)
        except (
            Exception
        ) as error:  # an unreadable cache folder, for example: no reason for the doctor to fail
            state = f"not known ({error})"
        print(f"      {option.name}: {state}")


def _shorten(text: str, width: int = 72) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
