"""The int8 engine: a cross-encoder in OpenVINO on ordinary CPUs, most of it in 8-bit integers.

Weights and activations are integers in most layers. ``quantise.py`` makes the model once. Five decisions make
the difference:

- The steps to which numbers are rounded are fixed when the model is made (static quantisation), so that
  nothing is measured while it runs, and a pair's score cannot depend on the rest of the call.
- One pair a request, or four short ones of one length; one thread a request; as many requests at once as
  there are cores: no pair waits for a longer one, and no thread for another inside a layer. The pairs of all
  callers stand in one queue (``pair_queue.py``).
- A pair is padded to the next multiple of four tokens only, of eight above 64 and of sixteen above 256, so
  that kernels are prepared for 56 lengths and not for 512.
- Pairs of few different words, which rounding would move far, go through the same graph in float32
  (``float_route.py``).
- Work that changes no score is left out of the model (``trimmed_model.py``). What is not int8 is computed in
  bfloat16 where that is faster, else in float32 (``precision.py``).

It runs on any processor that OpenVINO knows; how fast, the processor's instructions decide, most of all those
that multiply 8-bit integers. docs/benchmarks.md has the measurements.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from rerank_course.engine.asked import (
    Activation,
    Asked,
    Usual,
    activation_module,
    checked_activation,
    understood,
)
from rerank_course.engine.compiled_graphs import Engine
from rerank_course.engine.drop_in import DropIn, takes_old_names
from rerank_course.engine.int8_making import EngineNotInstalledError as EngineNotInstalledError
from rerank_course.engine.int8_models import Int8Model, packaged_folder, packaged_model
from rerank_course.engine.length_limits import Encoders
from rerank_course.engine.pair_queue import Call, Pair


class Settings(DropIn):
    """What a caller may change on a reranker.

    Attributes:
        int8_model: what stands on disk, with the error that was measured when it was made.
        prompts, default_prompt_name: as in ``CrossEncoder``; empty unless you set them.
    """

    def __init__(self, int8_model: Int8Model, max_length: int | None) -> None:
        self.int8_model = int8_model
        self.prompts: dict[str, str] = {}
        self.default_prompt_name: str | None = None
        self._activation: Activation = int8_model.activation
        self._encoders = Encoders(self._folder, int8_model.max_tokens)
        self.max_seq_length = int8_model.max_tokens if max_length is None else max_length

    @property
    def max_seq_length(self) -> int:
        """Tokens that query, document and special tokens may use together; what is past them is not read."""
        return self._limit

    @max_seq_length.setter
    def max_seq_length(self, tokens: int) -> None:
        self._limit = self._encoders.checked(tokens)

    @property
    def activation_fn(self) -> Callable[[Any], Any] | None:
        """What is applied to the logits where ``predict`` is not told otherwise; ``None`` for nothing."""
        return activation_module(self._activation)

    @activation_fn.setter
    def activation_fn(self, activation: Callable[[Any], Any] | None) -> None:
        self._activation = checked_activation(activation)

    @property
    def activation(self) -> Activation:
        """The same, with a name for those that need no torch: ``"identity"`` or ``"sigmoid"``."""
        return self._activation

    @property
    def _folder(self) -> Path:
        return self.int8_model.folder

    def _usual(self) -> Usual:
        return Usual(self._activation, self.prompts, self.default_prompt_name)


class Int8Reranker(Settings):
    """A cross-encoder with int8 weights and activations. Made by ``load_reranker(backend="int8")``.

    It has the names of sentence-transformers' ``CrossEncoder`` (``drop_in.py``) without being one: an
    ``isinstance`` check fails. Calls may come from several threads and event loops; they share the cores. A
    copy shares them too; a pickle holds no weights, and opens the model where it is loaded.

    Args:
        max_length: tokens that query, document and special tokens may use together, 8 or more; ``None``
            takes all that the model has.
        threads: pairs scored at the same time; ``None`` takes one for each core that this process may use.
        model: ``None`` takes the packaged one.

    Raises:
        EngineNotInstalledError: OpenVINO is not installed, or NNCF where the model has not been made yet.
        WeightsError: the packaged weights are missing or damaged, or the model cannot be made or written.
        ValueError: ``max_length`` or ``threads`` is out of range.
    """

    unrounded: str | None = None  # lab/ablation.py sets it, to see what rounding does

    def __init__(
        self, max_length: int | None = None, threads: int | None = None, *, model: Int8Model | None = None
    ) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}.")
        self._given = (threads, model)
        self.threads = threads or _cores()
        super().__init__(model or packaged_model(), max_length)
        self._engine = Engine(self.int8_model, self.threads, self.unrounded)

    @takes_old_names
    def predict(
        self,
        inputs: Iterable[Pair] | Pair,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        activation_fn: Callable[[Any], Any] | None = None,
        apply_softmax: bool | None = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        pool: Any = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Score pairs, in their order, as ``CrossEncoder.predict`` does.

        Args:
            inputs: (query, document) pairs: a list, a generator, an array of shape (pairs, 2); or one pair,
                which gives one number. What is past ``max_seq_length`` is cut from the longer text's end.
            prompt_name, prompt: a text to put before each query, or its name in ``prompts``.
            batch_size: changes nothing: the engine knows what suits it.
            show_progress_bar: show a bar that counts pairs; ``None`` shows it where logging is at INFO.
            activation_fn: for this call; gets and gives torch tensors.
            apply_softmax: changes nothing for one label.
            convert_to_numpy, convert_to_tensor: an array, a tensor, or with neither a list of tensors.
            device, pool, chunk_size: the CPU, no pool, and without effect: there is nothing else.
            kwargs: ``max_length=``, or ``processing_kwargs={"text": {"max_length": …}}``, for this call.

        Returns:
            float32 of shape (pairs,): logits, or what the activation makes of them. An empty list gives
            numpy's empty array.

        Raises:
            TypeError: something that is not a pair of strings, and the message says where; an unknown
            keyword. ValueError: a value that cannot be used here, or a text that is no Unicode text.
        """
        asked = understood(
            inputs, prompt_name, prompt, batch_size, show_progress_bar, activation_fn, apply_softmax,
            convert_to_numpy, convert_to_tensor, device, pool, chunk_size, usual=self._usual(), **kwargs,
        )  # fmt: skip
        with self._under_way(asked) as (call, show):
            while not call.wait(0.1 if asked.shows_bar else 1):  # Ctrl-C gets through between two waits
                show()
        return asked.answer(call.scores)

    @takes_old_names
    async def predict_async(self, inputs: Iterable[Pair] | Pair, **keywords: Any) -> Any:
        """``predict`` for asyncio, in any of its event loops; the keywords are the same.

        The loop goes on while the cores work. When the task is cancelled, its waiting pairs leave the queue.
        """
        asked = understood(inputs, usual=self._usual(), **keywords)
        loop, finished = asyncio.get_running_loop(), asyncio.Event()

        def then() -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have been closed
                loop.call_soon_threadsafe(finished.set)

        with self._under_way(asked, then) as (call, show):
            while asked.shows_bar and not call.wait(0):
                await asyncio.sleep(0.1)
                show()
            await finished.wait()
        return asked.answer(call.scores)

    @contextlib.contextmanager
    def _under_way(self, asked: Asked, then: Callable[[], None] | None = None) -> Iterator[tuple]:
        """The call and a function that brings its bar up to date; at the end it is in the queue no more."""
        limit = self._limit if asked.limit is None else self._encoders.checked(asked.limit)
        call = Call(asked.pairs, self._encoders.at(limit), limit, then)
        queue = self._engine.queue
        with _bar(len(call.pairs), asked.shows_bar) as bar:
            try:
                queue.submit(call)
                yield call, lambda: bar.update(call.done - bar.n)
            finally:
                queue.cancel(call)  # one that is finished is not there any more
            bar.update(call.done - bar.n)
        if call.error is not None:
            raise call.error

    def __repr__(self) -> str:
        error = self.int8_model.error
        measured = "".join(f", {name} {value:.2g}" for name, value in error.items() if name in ("rms", "max"))
        said = f"; against float32{measured} logits on {error['pairs']:.0f} pairs" if measured else ""
        return f"Int8Reranker({self.int8_model.name}, max_length={self._limit}, threads={self.threads}{said})"

    def __copy__(self) -> Self:
        """One with settings of its own, which shares the cores."""
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__, prompts=dict(self.prompts))
        return new

    def __deepcopy__(self, memo: dict) -> Self:
        return self.__copy__()

    def __reduce__(self) -> tuple:
        threads, model = self._given
        settings = {name: getattr(self, name) for name in ("_activation", "prompts", "default_prompt_name")}
        return _restored, (type(self), self._limit, threads, model, settings)


def _restored(
    kind: type[Int8Reranker], limit: int, threads: int | None, model: Int8Model | None, settings: dict
) -> Int8Reranker:
    reranker = kind(limit, threads, model=model)
    reranker.__dict__.update(settings)
    return reranker


def int8_folder() -> Path:
    """The folder of the packaged int8 model; the first call makes it.

    Raises:
        EngineNotInstalledError, WeightsError: as ``Int8Reranker``.
    """
    return packaged_folder()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bar(total: int, show: bool):
    from tqdm.auto import tqdm

    return tqdm(total=total, unit="pair", desc="Scoring", disable=not show, leave=False)
