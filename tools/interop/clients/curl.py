"""curl, as Cohere's documents use it, and for what no library sends."""

import gzip
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tools.interop.reporting import DOCUMENTS, KEY, LOGITS, QUERY, URL, Calls, expected, ranking

ASKED: dict[str, Any] = {"model": "rerank-v3.5", "query": QUERY, "documents": DOCUMENTS}
SERVED = "cross-encoder/ms-marco-MiniLM-L12-v2"


def curl(path: str, body: Any, *settings: str, scheme: str = "Bearer", key: str = KEY) -> tuple[int, Any]:
    """(status, what came) of a POST.

    The settings go in through standard input: what stands in the command can be read by everybody.
    """
    with tempfile.TemporaryDirectory() as folder:
        sent, came = Path(folder, "sent"), Path(folder, "came")
        sent.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
        lines = [
            f'url = "{URL}{path}"',
            f'header = "Authorization: {scheme} {key}"',
            'header = "Content-Type: application/json"',
            f'data-binary = "@{sent}"',
            f'output = "{came}"',
            *settings,
        ]
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", "60", "--config", "-"]
        command += ["--write-out", "%{http_code}"]
        done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True)
        text = came.read_bytes() if came.exists() else b""
    try:
        return int(done.stdout), json.loads(text)
    except ValueError:
        return int(done.stdout), text.decode("utf-8", "replace")


def rows(answer: tuple[int, Any], score: str = "relevance_score", scores: list[float] | None = None) -> str:
    """How an answer is written down: a ranking, or status and words."""
    status, body = answer
    if status != 200:
        words = body.get("message", body.get("error", body.get("detail"))) if isinstance(body, dict) else body
        return f"{status} {words}"
    results = body["results"] if isinstance(body, dict) else body
    return ranking(((row["index"], row[score]) for row in results), scores)


def of_cohere(calls: Calls) -> None:
    """Versions 1 and 2, and the ways to write the same."""
    good, packed = expected(), gzip.compress(json.dumps(ASKED).encode())
    calls.call("POST /v1/rerank", good, lambda: rows(curl("/v1/rerank", ASKED)))
    calls.call("POST /v2/rerank", good, lambda: rows(curl("/v2/rerank", ASKED)))
    calls.call('POST /v2/rerank, "bearer"', good, lambda: rows(curl("/v2/rerank", ASKED, scheme="bearer")))
    calls.call("POST /v2/rerank/", good, lambda: rows(curl("/v2/rerank/", ASKED)))
    calls.call(
        "POST /v2/rerank, packed by gzip",
        good,
        lambda: rows(curl("/v2/rerank", packed, 'header = "Content-Encoding: gzip"')),
    )
    calls.call("POST /v2/rerank, --compressed", good, lambda: rows(curl("/v2/rerank", ASKED, "compressed")))
    calls.call(
        "POST /v2/rerank, in chunks",
        good,
        lambda: rows(curl("/v2/rerank", ASKED, 'header = "Transfer-Encoding: chunked"')),
    )
    calls.call(
        "POST /v2/rerank, objects as documents",
        "400",
        lambda: rows(curl("/v2/rerank", {**ASKED, "documents": [{"text": "a"}]}))[:3],
    )
    nested = b"[" * 100_000
    calls.call("POST /v2/rerank, 100,000 brackets", "400", lambda: rows(curl("/v2/rerank", nested))[:3])
    calls.call(
        "POST /v2/rerank, half a character",
        "400",
        lambda: rows(curl("/v2/rerank", {**ASKED, "query": "\ud83d"}))[:3],
    )
    calls.call(
        "POST /v2/rerank, wrong key",
        "401 invalid api token",
        lambda: rows(curl("/v2/rerank", ASKED, key="no")),
    )


def of_others(calls: Calls) -> None:
    """vLLM, Text Embeddings Inference and Jina."""
    vllm = {**ASKED, "model": SERVED}
    for path in ("/rerank", "/v1/rerank", "/v2/rerank"):
        calls.call(f"vLLM, POST {path}", expected(), lambda where: rows(curl(where, vllm)), path)
    tei = {"query": QUERY, "texts": DOCUMENTS}
    calls.call("TEI, POST /rerank", expected(), lambda: rows(curl("/rerank", tei), "score"))
    raw = {**tei, "raw_scores": True}
    calls.call(
        "TEI, POST /rerank, raw_scores", expected(), lambda: rows(curl("/rerank", raw), "score", LOGITS)
    )
    many = {"query": QUERY, "texts": ["a"] * 33}
    calls.call(
        "TEI, POST /rerank, 33 texts",
        "413 batch size 33 > maximum allowed batch size 32",
        lambda: rows(curl("/rerank", many)),
    )
    jina = {**ASKED, "model": "jina-reranker-v3"}
    calls.call("Jina, POST /v1/rerank", expected(), lambda: rows(curl("/v1/rerank", jina)))


def main() -> None:
    """All calls; the version is the program's own."""
    said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    calls = Calls("curl", None, said.split()[1])
    of_cohere(calls)
    of_others(calls)


if __name__ == "__main__":
    main()
