"""Bring hub models to this machine in advance, so that a class, or a train, needs no network.

huggingface_hub does the work: it shows progress, tries again when a connection breaks and then asks only for
the bytes that are missing, and puts a file into its place when it is whole. What is decided here is which
files a model needs, whether they fit on the disk, and whether the model can rerank.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rerank_course.engine.hub import (
    UnsuitableModelError,
    current_name,
    hub_cache,
    is_local,
    needed_files,
    why_no_hub,
)
from rerank_course.engine.weights import WeightsError
from rerank_course.learner.course import title_of
from rerank_course.models import is_hosted, is_packaged, load_reranker


class FetchError(RuntimeError):
    """A model cannot be fetched, or not be used after it was."""


def fetch_models(names: list[str], int8: bool = False) -> bool:
    """Fetch each model and print one line for it; a failure does not stop the others.

    Args:
        int8: make each model for the int8 engine too.

    Returns:
        Whether every model can be used now, without a network.
    """
    names = list(dict.fromkeys(names))
    ready, count = 0, len(names)
    for name in names:
        try:
            print(f"OK    {fetch_model(name, int8)}", flush=True)
            ready += 1
        except (FetchError, UnsuitableModelError) as error:
            print(f"FAIL  {error}", flush=True)
    print(f"{ready} of {count} {'model is' if count == 1 else 'models are'} ready on this machine.")
    return ready == count


def fetch_model(name: str, int8: bool = False) -> str:
    """Fetch what is missing of one model, then load it from this machine alone.

    Args:
        name: as ``load_reranker`` takes it.
        int8: make the int8 engine's model too, calibrated on the handbook.

    Returns:
        One line: what was fetched, how big it is and where it stands.

    Raises:
        FetchError: it cannot be fetched (no such model, no access, no network, no room, a broken connection)
        or does not load; and what to do. UnsuitableModelError: it is on this machine now, and cannot rerank,
        or not in int8.
    """
    made = _made_for_int8 if int8 else lambda name: ""
    if is_packaged(name):
        return f"{name}: packaged with the course, needs no fetching.{made(name)}"
    if is_hosted(name):
        raise FetchError(
            f"{name} is a hosted service: it is called over the network and cannot be fetched. "
            f"See the lesson “{title_of('hosted_reranking')}”."
        )
    if Path(name).is_dir():
        return f"{name}: a folder on this machine, needs no fetching. {_load_once(name)}{made(name)}"
    repository = _repository(name)
    reason = why_no_hub()
    if reason is None:
        note = _download(repository)
    elif is_local(repository):
        note = f"was here already; it was not compared with the hub, since {reason}"
    else:
        raise FetchError(
            f"{name} is not on this machine, and {reason} Run this again where there is a network; "
            "what is here by then is kept."
        )
    return f"{repository}: {note} {_load_once(repository)} It stands in {hub_cache()}.{made(repository)}"


def _repository(name: str) -> str:
    """The hub's name of a model: sentence-transformers completes a bare name like this, too."""
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    repository = current_name(name) if "/" in name else f"cross-encoder/{current_name(name)}"
    try:
        validate_repo_id(repository)
    except HFValidationError:
        raise FetchError(
            f"{name!r} is neither a folder nor a model's name, which looks like BAAI/bge-reranker-base."
        ) from None
    return repository


def _load_once(name: str) -> str:
    try:
        model = load_reranker(name, device="cpu", local_files_only=True)
    except UnsuitableModelError:
        raise
    except Exception as error:  # whatever somebody else's model raises
        raise FetchError(
            f"{name} is on this machine and does not load as a cross-encoder ({_first_line(error)})."
        ) from error
    return f"It loads without a network and reads {model.max_seq_length} tokens."


def _made_for_int8(name: str) -> str:
    """Make the int8 engine's model from what is on this machine now; says what that gave."""
    from rerank_course.engine.int8_models import EngineNotInstalledError, int8_model

    try:
        model = int8_model(name, local_files_only=True)
    except (EngineNotInstalledError, WeightsError) as error:
        raise FetchError(f"{name} is on this machine, and not ready for int8: {error}") from error
    off = model.error
    return (
        f" Ready for int8 in {model.folder}: on {off['pairs']} held-out pairs {off['rms']:.3f} logits off "
        f"(root mean square), {off['max']:.3f} at most."
    )


def _download(repository: str) -> str:
    """Bring what is missing into the hub's cache; says what that was."""
    from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache

    cache = hub_cache()
    with _plain_errors(repository):
        info = HfApi().model_info(repository, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        needed = needed_files(list(sizes))
        if not needed:
            raise FetchError(
                f"{repository} holds no weights that this course can load (safetensors or "
                "pytorch_model.bin). It may be for another engine."
            )
        missing = [
            file
            for file in needed
            if not isinstance(try_to_load_from_cache(repository, file, cache, revision=info.sha), str)
        ]
        missing_bytes = sum(sizes[file] for file in missing)
        _check_room(repository, missing_bytes, cache)
        snapshot_download(repository, cache_dir=cache, allow_patterns=needed)
    total = _megabytes(sum(sizes[file] for file in needed))
    if not missing:
        return f"was here already, up to date, {total}."
    files = "file" if len(missing) == 1 else "files"
    return f"fetched {_megabytes(missing_bytes)} in {len(missing)} {files}, {total} in all."


@contextmanager
def _plain_errors(repository: str) -> Iterator[None]:
    """What the hub's client raises, said in plain words.

    Raises:
        FetchError: no access, no such model, or a connection that broke.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
    from huggingface_hub.utils import httpx

    try:
        yield
    except GatedRepoError:
        raise FetchError(
            f"{repository} asks for an agreement first. Accept it at {constants.ENDPOINT}/{repository}, "
            "log in here with: hf auth login, and run this again."
        ) from None
    except RepositoryNotFoundError:
        raise FetchError(
            f"the hub has no model {repository}, or does not show it to you. Check the spelling at "
            f"{constants.ENDPOINT}; for a private one, log in with: hf auth login"
        ) from None
    except (OSError, httpx.HTTPError) as error:
        raise FetchError(
            f"{repository}: the download broke off ({_first_line(error)}). Run this again: complete files "
            "are kept, the one that broke off starts anew."
        ) from error


def _check_room(repository: str, needed_bytes: int, cache: Path) -> None:
    folder = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise FetchError(
            f"{repository} needs {_megabytes(needed_bytes)}, and only {_megabytes(free)} are free in "
            f"{cache}. Nothing was fetched. Make room, or set the environment variable HF_HOME to a "
            "folder on another disk, here and where the course runs."
        )


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
