"""Is this machine ready for the course? One line for each thing that has to be there."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

from rerank_course.learner.course import title_of
from rerank_course.learner.packages import (
    Check,
    extras_not_here,
    has,
    in_one_line,
    needed_extras,
    requirement_checks,
)

RUNNING_QUERY = "What is the reimbursement limit?"
RUNNING_IDS = ("pay-008", "exp-005", "exp-001")  # in an order that the reranker should change


def run_doctor(only_failures: bool = False) -> bool:
    """Check Python, each requirement, the kernel, the weights and a first rerank; a line for each.

    The line begins with OK or FAIL. Only what this installation is for is checked: the package alone needs no
    notebooks. Then say which models are here, and what could be installed beside.

    Args:
        only_failures: do not print what is OK, the models and what could be installed.

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
            print(f"FAIL  {name}: {_message(error)}", flush=True)
        else:
            if not only_failures:
                print(f"OK    {name}: {note}", flush=True)
    if not only_failures:
        _print_models()
        _print_extras()
    print(
        "All checks are OK."
        if not failures
        else f"{failures} of {count} checks failed. Mend the first one, then run this again."
    )
    return not failures


def _checks() -> Iterator[Check]:
    """What is to be checked. An import stands in its check: a broken package is that check's line."""
    yield "Python 3.11 or newer", _check_python
    yield from requirement_checks()
    if "lessons" in needed_extras() or _is_here("lessons"):
        yield "Jupyter kernel python3", _check_kernel
    yield "reranker weights", _check_reranker_weights
    yield "embedder weights", _check_embedder_weights
    yield "first rerank", _check_rerank
    if "int8" in needed_extras() or _is_here("int8"):
        yield "int8 engine", _check_int8


def _is_here(extra: str) -> bool:
    try:
        return has(extra)
    except Exception:  # the requirements cannot be read, which a line before has said
        return False


def _check_reranker_weights() -> str:
    from rerank_course.engine.weights import reranker_folder

    return f"as published, restored in {reranker_folder()}"


def _check_embedder_weights() -> str:
    from rerank_course.engine.weights import embedder_folder

    return f"as published, in {embedder_folder()}"


def _check_int8() -> str:
    from rerank_course.engine.int8 import int8_folder

    return f"made from the weights, in {int8_folder()}"


def _check_python() -> str:
    if sys.version_info < (3, 11):  # noqa: UP036  (somebody may run it with another Python than they installed)
        raise RuntimeError(
            f"this is {platform.python_version()}. Install a newer Python and run `make setup` again."
        )
    return platform.python_version()


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
    try:
        from rerank_course.models import CATALOGUE, availability
    except Exception as error:  # a line before has said what is broken
        print(f"Which rerankers are on this machine is not known ({error}).")
        return
    print(f"The rerankers of the lesson “{title_of('model_options')}” on this machine:")
    for option in CATALOGUE:
        try:
            state = availability(option)
        except Exception as error:  # an unreadable cache folder, for example: no reason to fail
            state = f"not known ({error})"
        print(f"      {option.name}: {state}")


def _print_extras() -> None:
    try:
        lines = list(extras_not_here())
    except Exception:  # the requirements cannot be read, which a line before has said
        return
    if lines:
        print("Not installed, and only needed for:")
    for line in lines:
        print(f"      {line}")


def _message(error: Exception) -> str:
    """The course's own errors say what to do, all others what happened."""
    own = isinstance(error, RuntimeError | OSError) and str(error).strip()
    return str(error) if own else in_one_line(error)


def _shorten(text: str, width: int = 72) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
