"""The int8 engine: the packaged reranker in OpenVINO on ordinary CPUs, most of it in 8-bit integers.

Weights and activations are integers in most layers. ``quantise.py`` makes the model once. Four decisions make
the difference:

- The steps to which numbers are rounded are fixed when the model is made (static quantisation), so that
  nothing is measured while it runs, and a pair's score cannot depend on the rest of the call.
- One pair a request, one thread a request, as many requests at once as there are cores: no pair waits for a
  longer one, and no thread for another inside a layer.
- A pair is padded to the next multiple of four tokens only, of eight above 256, so that kernels are prepared
  for 96 lengths and not for 512.
- Work that changes no score is left out of the model (``trimmed_model.py``). What is not int8 is computed in
  bfloat16 where the processor has it.

It runs on any processor that OpenVINO knows; how fast, the instructions decide. One machine, told to use
fewer of them than it has, scored pairs of 200 tokens 1.3 times as fast as torch one by one with AVX2 alone,
2.8 times with AVX-512, 3.5 times with VNNI, 4.8 times with bfloat16 too.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from rerank_course.engine import cache, weights

INT8_FOLDER = "ms-marco-MiniLM-L12-v2-int8-3"  # change the number when quantise.py changes
MAX_TOKENS = 512
INSTALL = 'pip install "openvino>=2026.4,<2027" "nncf>=3.4,<4"'  # what the extra int8 holds
BLOCK = 256  # pairs that are tokenised together, so that memory does not grow with the list
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class EngineNotInstalledError(ImportError):
    """OpenVINO, or what is needed to make its model, is missing."""


class Int8Reranker:
    """ms-marco-MiniLM-L12-v2 with int8 weights and activations. Made by ``load_reranker(backend="int8")``.

    Args:
        max_length: tokens that query, document and special tokens may use together, from 8 to 512.
        threads: pairs scored at the same time; ``None`` takes one for each core that this process may use.

    Raises:
        EngineNotInstalledError: OpenVINO is not installed, or NNCF where the model has not been made yet.
        WeightsError: the packaged weights are missing or damaged, or the model cannot be made or written.
        ValueError: ``max_length`` or ``threads`` is out of range.
    """

    def __init__(self, max_length: int | None = None, threads: int | None = None) -> None:
        if max_length is not None and not 8 <= max_length <= MAX_TOKENS:
            raise ValueError(f"max_length must be from 8 to {MAX_TOKENS} for this model, not {max_length}.")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}.")
        self.max_seq_length = max_length or MAX_TOKENS
        self.threads = threads or _cores()
        self._requests = _requests(self.threads)
        self._encoder = _encoder(weights.reranker_wheel_folder() / "tokenizer.json", self.max_seq_length)
        self._one_call = threading.Lock()  # a service may call from several threads; the requests are shared

    def predict(
        self,
        pairs: Sequence[tuple[str, str]] | tuple[str, str],
        batch_size: int = 32,
        show_progress_bar: bool = False,
    ) -> np.ndarray:
        """Score pairs: float32 logits of shape (pairs,), in the order of the pairs.

        Args:
            pairs: (query, document) pairs; or one pair, which gives one number. What does not fit into
                ``max_length`` is cut from the longer text's end.
            batch_size: accepted since every reranker has it; this engine runs pair by pair, and the number
                changes nothing.
            show_progress_bar: show a bar that counts pairs.

        Raises:
            TypeError: something that is not a pair of strings; the message says where.
        """
        pairs = list(cast(Iterable[tuple[str, str]], pairs))  # it may be a generator
        if len(pairs) == 2 and all(isinstance(text, str) for text in pairs):
            return self.predict([cast(tuple[str, str], pairs)])[0]
        for position, pair in enumerate(pairs):
            _check_pair(pair, position)
        scores = np.empty(len(pairs), dtype=np.float32)
        with self._one_call, _bar(len(pairs), show_progress_bar) as bar:
            for start in range(0, len(pairs), BLOCK):
                block = self._encoder.encode_batch(pairs[start : start + BLOCK])
                # Longest first: a long pair that starts last would leave the other cores idle.
                for i in sorted(range(len(block)), key=lambda i: -len(block[i].ids)):
                    self._requests.start_async(_feed(block[i]), (scores, start + i, bar))
                self._requests.wait_all()
        return scores

    @cached_property
    def tokenizer(self):
        """The model's tokenizer as transformers knows it, for counting tokens and cutting windows."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(weights.reranker_wheel_folder())


def int8_folder() -> Path:
    """The folder of the int8 model; the first call makes it, which takes a minute or so.

    Raises:
        EngineNotInstalledError, WeightsError: as ``Int8Reranker``.
    """
    return cache.made_once(INT8_FOLDER, _quantise, "the int8 engine")


def _quantise(target: Path) -> None:
    """Run quantise.py in a process of its own: what it imports, prints and takes in memory ends with it."""
    from rerank_course.engine.quantise import STEPS

    weights.reranker_folder()  # so that its own message is not lost in the other process
    command = [sys.executable, "-m", "rerank_course.engine.quantise", str(target)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    said = []
    try:
        with _bar(STEPS, True, unit="step", what="Quantising") as bar:
            for line in process.stdout or ():
                bar.update() if line == "step\n" else said.append(line.strip())
        code = process.wait()
    finally:
        process.kill()
    if code:
        raise _not_made(
            next((line for line in reversed(said) if line), f"its process ended with code {code}")
        )


def _not_made(why: str) -> Exception:
    if "No module named" in why:
        return EngineNotInstalledError(
            f'backend="int8" cannot make its model: {why}. Install what it needs: {INSTALL}.'
        )
    return cache.WeightsError(f'The int8 model could not be made: {why}. backend="torch" works without it.')


def _check_pair(pair: Any, position: int) -> None:
    is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not (is_pair and all(isinstance(text, str) for text in pair)):
        raise TypeError(f"pairs[{position}] must be two strings, (query, document), not {pair!r:.80}.")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bar(total: int, show: bool, unit: str = "pair", what: str = "Scoring"):
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=unit, desc=what, disable=not show, leave=False)


def _requests(threads: int):
    """A queue of ``threads`` inference requests on the compiled model, each with one thread."""
    try:
        import openvino
    except ImportError as error:
        raise EngineNotInstalledError(
            f'backend="int8" needs OpenVINO: {INSTALL}. backend="torch" works without it.'
        ) from error
    settings = {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads, "ENABLE_CPU_PINNING": False}
    model = openvino.Core().compile_model(int8_folder() / "model.xml", "CPU", settings)
    # As many wait as run, so that no core waits for Python.
    requests = openvino.AsyncInferQueue(model, 2 * threads)
    requests.set_callback(_keep_score)
    return requests


def _keep_score(request, place: tuple) -> None:
    scores, position, bar = place
    scores[position] = request.get_output_tensor().data[0, 0]
    bar.update()


def padded_length(tokens: int) -> int:
    """The number of tokens that a pair of ``tokens`` is filled up to."""
    step = 4 if tokens <= 256 else 8
    return -(-tokens // step) * step


def _feed(encoding) -> dict[str, np.ndarray]:
    """One pair as the model's inputs, each of shape (1, tokens), filled up with padding that is not seen."""
    columns = (encoding.ids, encoding.attention_mask, encoding.type_ids)
    padding = padded_length(len(encoding.ids)) - len(encoding.ids)
    return {name: np.array([column + [0] * padding], dtype=np.int64) for name, column in zip(INPUTS, columns)}


def _encoder(tokenizer_file: Path, max_length: int):
    """The fast tokenizer itself: importing transformers for it would take seconds."""
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(tokenizer_file))
    encoder.enable_truncation(max_length, strategy="longest_first")
    encoder.no_padding()
    return encoder
