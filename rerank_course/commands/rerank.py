"""``rerank``: order texts by how well they answer a query."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rerank_course.commands.evaluate import add_model_to
from rerank_course.text import is_blank

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "rerank",
        help="order texts by how well they answer a query",
        description="Order texts by how well they answer a query. Each FILE is one candidate; without FILE, "
        "or for -, each line of standard input is one.",
    )
    add = parser.add_argument
    add("query")
    add("files", nargs="*", metavar="FILE", help="a UTF-8 text file, or - for the lines of standard input")
    add("--lines", action="store_true", help="each line of each FILE is a candidate")
    add("--top-k", type=int, default=20, metavar="N", help="how many to print (default 20)")
    add("--batch-size", type=int, default=32, metavar="N", help="pairs per forward pass (default 32)")
    add_model_to(parser)
    add("--json", action="store_true", help="print JSON lines: rank, score, source, text")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the candidates, the best first."""
    candidates = _read_candidates(options.files, options.lines)
    if not candidates:
        raise ValueError("there is no candidate to rank: the input has no text.")
    from rerank_course.engine.weights import DEFAULT_RERANKER
    from rerank_course.models import load_reranker
    from rerank_course.rerank import rerank_documents

    reranker = load_reranker(options.model or DEFAULT_RERANKER, backend=options.backend)
    ranking = rerank_documents(
        options.query,
        candidates,
        reranker,
        options.batch_size,
        options.top_k,
        show_progress=sys.stderr.isatty(),
    )
    _warn_of_truncation(options.query, candidates, reranker)
    rows = [{"rank": rank, "score": score, **row} for rank, (row, score) in enumerate(ranking, start=1)]
    if options.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    else:
        _print_table(rows)
    return 0


def _read_candidates(files: list[str], by_line: bool) -> list[dict[str, str]]:
    """``[{"source", "text"}, …]`` from files and standard input; lines without text are passed over."""
    candidates = []
    for name in files or ["-"]:
        label, text = _read_text(name)
        if by_line or name == "-":
            candidates += [
                {"source": f"{label}:{number}", "text": line.strip()}
                for number, line in enumerate(text.split("\n"), start=1)  # as editors and grep count them
                if not is_blank(line)
            ]
        elif not is_blank(text):
            candidates.append({"source": label, "text": text.strip()})
        else:
            raise ValueError(f"{label} has no text.")
    return candidates


def _read_text(name: str) -> tuple[str, str]:
    """(what to call it, its text) of a file, or of standard input for ``-``."""
    label = "stdin" if name == "-" else name
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return label, data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{label} is not UTF-8 text ({error.reason} at byte {error.start}). Convert it first."
        ) from None


def _warn_of_truncation(query: str, candidates: list[dict[str, str]], reranker: "CrossEncoder") -> None:
    """The model cuts a long document without a word; say which ones it did not read to the end."""
    limit = reranker.max_seq_length
    for candidate in candidates:
        pair = reranker.tokenizer(query, candidate["text"], truncation=False, verbose=False)
        tokens = len(pair["input_ids"])
        if tokens > limit:
            print(
                f"warning: {candidate['source']}: query and text are {tokens:,} tokens; "
                f"the model read the first {limit}.",
                file=sys.stderr,
            )


def _print_table(rows: list[dict], width: int = 72) -> None:
    source_width = max(6, *(len(row["source"]) for row in rows))
    print(f"rank     score  {'source':{source_width}}  text")
    for row in rows:
        text = " ".join(row["text"].split())
        text = text if len(text) <= width else text[: width - 1].rstrip() + "…"
        print(f"{row['rank']:4}  {row['score']:8.2f}  {row['source']:{source_width}}  {text}")
