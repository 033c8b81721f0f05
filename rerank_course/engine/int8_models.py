"""The models that the int8 engine runs: what stands on disk for each, and how it gets there.

A model is made once for each version of its weights, of the calibration text and of the libraries that make
it. All of them are part of its folder's name, so that two models of one name never mix.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rerank_course.engine import cache, weights
from rerank_course.engine.hub import from_copy_or_hub, is_packaged, local_folder, needed_files
from rerank_course.engine.int8_making import INSTALL, EngineNotInstalledError, make
from rerank_course.engine.weights import DEFAULT_RERANKER

PACKAGED_FOLDER = "ms-marco-MiniLM-L12-v2-int8-6"  # change the number when quantise.py changes
FORMAT = 2  # of all other models' folders; change it when quantise.py changes
ENGINE_FILE = "engine.json"
MAKERS = ("openvino", "nncf")
NO_PART = ("checkpoint-", ".")  # folders beside a model that begin so: a trainer's, a version control's


@dataclass(frozen=True)
class Int8Model:
    """A model that was made for the int8 engine, on disk.

    Attributes:
        name: as it is called.
        folder: holds ``model.xml`` and ``.bin`` (8 bits), ``float.xml`` and ``.bin`` (float32), the
            tokenizer's files, ``config.json`` and ``engine.json`` (what stands here).
        inputs: the names of the graph's inputs, in the order of a tokenizer's ids, mask and types; a model
            without token types has two.
        max_tokens: tokens that query, document and special tokens may use together.
        pad_id: the id of the padding token.
        activation: what ``predict`` applies to the logit unless told otherwise, ``"identity"`` or
            ``"sigmoid"``.
        error: int8 against float32 on pairs that were held out when it was made, as
            ``quantisation_error.measured`` says: ``{"pairs": 120, "rms": 0.05, "max": 0.2, …}``.
        precision: of the layers that are not rounded, ``"f32"`` or ``"bf16"``, whichever took less time on
            the machine that made it (``precision.py``).
    """

    name: str
    folder: Path
    inputs: tuple[str, ...]
    max_tokens: int
    pad_id: int
    activation: str
    error: dict[str, float]
    precision: str


def packaged_model() -> Int8Model:
    """The course's own ms-marco-MiniLM-L12-v2; the first call makes it, which takes a minute or so.

    Raises:
        EngineNotInstalledError: a library is missing that makes it.
        WeightsError: the packaged weights are missing or damaged, or the model cannot be made or written.
    """
    return _read(packaged_folder())


def packaged_folder() -> Path:
    """The folder of ``packaged_model``."""

    def write(target: Path) -> None:
        source = str(weights.reranker_folder())  # here, so that its own message is not lost
        make(target, {"name": DEFAULT_RERANKER, "source": source, "packaged": True})

    if not (cache.cache_folder() / PACKAGED_FOLDER).exists():
        _makers()  # before it is said that something is being prepared
    return cache.made_once(PACKAGED_FOLDER, write, "the int8 engine")


def int8_model(name: str, calibration: Any = None, local_files_only: bool = False) -> Int8Model:
    """Any suitable cross-encoder for the int8 engine; the first call makes it, which takes minutes.

    Args:
        name: a model's name, as ``load_reranker`` takes it, or a folder.
        calibration: (query, document) pairs or texts, 20 or more, of the kind that the model is to read;
            ``None`` takes the handbook's. Other pairs make another model, beside the first.
        local_files_only: do not ask the hub.

    Raises:
        ModelNotAvailableError: the model is not on this machine, and the hub cannot give it.
        UnsuitableModelError: it is no cross-encoder with one output, the engine does not know its kind, or
            8 bits move its scores too far; the message has the figures.
        EngineNotInstalledError, WeightsError: as ``packaged_model``.
        TypeError, ValueError: ``calibration`` is not what is described above; the message says where.
    """
    pairs = None
    if calibration is not None:
        from rerank_course.engine.calibration import checked

        pairs = checked(calibration)
    if is_packaged(name) and pairs is None:
        return packaged_model()
    source = weights.reranker_folder() if is_packaged(name) else _source(name, local_files_only)
    key = _key(source, pairs)
    folder = f"{re.sub(r'[^A-Za-z0-9_]+', '-', _short_name(name))}-int8-{key}"
    task = {"name": name, "source": str(source), "packaged": is_packaged(name), "calibration": pairs}
    return _read(
        cache.made_once(
            folder,
            lambda target: make(target, task),
            f"{name} for the int8 engine",
            needed_bytes=2 * _bytes(source),
            lock_seconds=cache.LONG_LOCK_SECONDS,
        )
    )


def _source(name: str, local_files_only: bool) -> Path:
    """The folder with a model's files, which are fetched where they are missing."""
    folder = local_folder(name)
    if folder is None:
        from sentence_transformers import CrossEncoder

        from_copy_or_hub(CrossEncoder, name, "cpu", local_files_only)
        folder = local_folder(name)
    if folder is None:
        raise cache.WeightsError(f"{name} loads, and its files are not found. Give its folder instead.")
    return folder.absolute()


def _key(source: Path, pairs: Any) -> str:
    """What a made model depends on, as twelve hexadecimal digits."""
    digest = hashlib.sha256(json.dumps([FORMAT, _makers(), pairs]).encode())
    for file in _files(source):
        digest.update(f"{file.relative_to(source).as_posix()} {cache.sha256(file)}\n".encode())
    return digest.hexdigest()[:12]


def _makers() -> list[str]:
    """The libraries that make a model, with their versions."""
    try:
        return [f"{maker} {version(maker)}" for maker in MAKERS]
    except PackageNotFoundError as error:
        raise EngineNotInstalledError(f'backend="int8" needs {error.name}: {INSTALL}.') from error


def _files(source: Path) -> list[Path]:
    """The files that make a model what it is: weights, configuration and tokenizer."""
    files = [
        path.relative_to(source).as_posix()
        for path in sorted(source.rglob("*"))
        if path.is_file() and not path.relative_to(source).as_posix().startswith(NO_PART)
    ]
    return [source / file for file in sorted(needed_files(files))]


def _bytes(source: Path) -> int:
    return sum(file.stat().st_size for file in _files(source))


def _short_name(name: str) -> str:
    """The last part of a model's name or path."""
    return Path(name).name or "model"


def _read(folder: Path) -> Int8Model:
    facts = json.loads((folder / ENGINE_FILE).read_text(encoding="utf-8"))
    return Int8Model(**{**facts, "folder": folder, "inputs": tuple(facts["inputs"])})
