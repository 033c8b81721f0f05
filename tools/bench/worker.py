"""One contender of the benchmark: reads lists of pairs as JSON lines, answers with seconds, memory, scores.

Each contender is used as its documentation shows it, with the weights that the course packages. It runs as a
file, in an environment that may know the course but not its tools: ``worker.py NAME FOLDER``.
"""

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Score = Callable[[list[tuple[str, str]]], Iterable[float]]

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def make(name: str, folder: Path) -> Score:
    """A function from pairs to scores.

    Args:
        name: one of the contenders.
        folder: where it may write what it needs.
    """
    if name == "course, int8":
        from rerank_course.models import load_reranker

        if "ONEDNN_MAX_CPU_ISA" in os.environ:
            _without_bfloat16()

        return load_reranker(backend="int8").predict
    if name.startswith("torch"):
        return _torch(name)
    if name.startswith("rerankers"):
        return _rerankers()
    if name.startswith("FlashRank"):
        return _flashrank(folder / "flashrank")
    return _fastembed(folder / name.replace(", ", "-"), name.endswith("fp32"))


def _without_bfloat16() -> None:
    """Keep the engine from bfloat16, in which oneDNN may not multiply here."""
    import openvino

    compile_model = openvino.Core.compile_model

    def in_float32(core: Any, model: Any, device: str, settings: dict[str, Any]) -> Any:
        return compile_model(core, model, device, {**settings, "INFERENCE_PRECISION_HINT": "f32"})

    openvino.Core.compile_model = in_float32


def _torch(name: str) -> Score:
    from rerank_course.models import load_reranker

    model = load_reranker()

    def one_by_one(pairs):
        return [model.predict([pair], batch_size=1)[0] for pair in pairs]

    def slices_of_32(pairs):
        return [score for i in range(0, len(pairs), 32) for score in model.predict(pairs[i : i + 32])]

    ways = {"one by one": one_by_one, "slices of 32": slices_of_32, "one predict": model.predict}
    return ways[name.removeprefix("torch, ")]


def _rerankers() -> Score:
    from rerankers import Reranker

    from rerank_course.engine import weights

    ranker = Reranker(str(weights.reranker_folder()), model_type="cross-encoder", device="cpu", verbose=0)

    def score(pairs):
        documents = [document for _, document in pairs]
        found = ranker.rank(pairs[0][0], documents, doc_ids=list(range(len(pairs))))
        return [score for _, score in sorted((result.doc_id, result.score) for result in found.results)]

    return score


def _copy_wheel_folder(target: Path) -> None:
    """The packaged graph and tokenizer, with the configuration that both libraries ask for."""
    from rerank_course.engine import weights

    shutil.copytree(weights.reranker_wheel_folder(), target)
    shutil.copy(weights.reranker_folder() / "config.json", target)


def _flashrank(folder: Path) -> Score:
    from flashrank import Ranker, RerankRequest
    from flashrank.Config import model_file_map

    model = "ms-marco-MiniLM-L-12-v2"
    _copy_wheel_folder(folder / model)
    (folder / model / "model.onnx").rename(folder / model / model_file_map[model])
    ranker = Ranker(model_name=model, cache_dir=str(folder), log_level="ERROR")

    def score(pairs):
        passages = [{"id": i, "text": document} for i, (_, document) in enumerate(pairs)]
        found = ranker.rerank(RerankRequest(query=pairs[0][0], passages=passages))
        return [passage["score"] for passage in sorted(found, key=lambda passage: passage["id"])]

    return score


def _fastembed(folder: Path, fp32: bool) -> Score:
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    _copy_wheel_folder(folder)
    if fp32:
        _export(folder / "model.onnx")
    TextCrossEncoder.add_custom_model(
        model="course/L12", sources=ModelSource(hf="course/L12"), model_file="model.onnx"
    )
    encoder = TextCrossEncoder("course/L12", specific_model_path=str(folder))
    return lambda pairs: list(encoder.rerank(pairs[0][0], [document for _, document in pairs]))


def _export(onnx_file: Path) -> None:
    """The restored float32 model as an ONNX graph."""
    import torch

    from rerank_course.models import load_reranker

    reranker: Any = load_reranker()
    names = ["input_ids", "attention_mask", "token_type_ids"]

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = reranker.model

        def forward(self, *inputs):
            return self.model(**dict(zip(names, inputs))).logits

    example = reranker.tokenizer([("a", "b c")], return_tensors="pt")
    axes = {name: {0: "batch", 1: "tokens"} for name in names}
    torch.onnx.export(
        Logits().eval(),
        tuple(example[name] for name in names),
        str(onnx_file),
        input_names=names,
        output_names=["logits"],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=17,
    )


def forget_peak() -> None:
    """Start the count of peak memory anew, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_megabytes() -> float:
    """The most memory that this process has held, since ``forget_peak`` where that works."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def timed(score: Score, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """``{"seconds", "megabytes", "scores"}`` for one call, or ``{"error"}``."""
    forget_peak()
    started = time.perf_counter()
    try:
        scores = score(pairs)
        seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "megabytes": peak_megabytes(),
            "scores": [float(score) for score in scores],
        }
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not get between the answers

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        score = make(sys.argv[1], Path(sys.argv[2]))
    except Exception as error:  # whatever keeps a contender from running is reported as its reason
        reason = str(error).splitlines()[0] if str(error) else ""
        say({"error": f"{type(error).__name__}: {reason}"})
        return
    say({"ready": True})
    for line in sys.stdin:
        say(timed(score, [tuple(pair) for pair in json.loads(line)]))


if __name__ == "__main__":
    main()
