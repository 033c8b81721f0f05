"""The course on the command line: ``python -m rerank_course doctor | rerank``."""

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it succeeded, 1 if the doctor found a fault, 2 for unusable input."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    # argparse takes files that follow an option for unknown arguments: rerank "query" --lines FILE
    if rest and (options.command != "rerank" or any(word.startswith("-") and word != "-" for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.files += rest
    try:
        return options.run(options)
    except (ValueError, TypeError, OSError, RuntimeError) as error:
        print(f"rerank_course {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rerank_course", description="The reranking course on the command line.")
    commands = parser.add_subparsers(dest="command", required=True)

    doctor = commands.add_parser("doctor", help="check this machine and rerank one example", description="Check this machine and rerank one example.")
    doctor.set_defaults(run=_doctor)

    rerank = commands.add_parser(
        "rerank",
        help="order texts by how well they answer a query",
        description="Order texts by how well they answer a query. Each FILE is one candidate; without FILE, or for -, "
        "each line of standard input is one.",
    )
    rerank.add_argument("query")
    rerank.add_argument("files", nargs="*", metavar="FILE", help="a UTF-8 text file, or - for the lines of standard input")
    rerank.add_argument("--lines", action="store_true", help="each line of each FILE is a candidate")
    rerank.add_argument("--top-k", type=int, default=20, metavar="N", help="how many to print (default 20)")
    rerank.add_argument("--batch-size", type=int, default=32, metavar="N", help="pairs per forward pass (default 32)")
    rerank.add_argument("--model", metavar="NAME", help="a cross-encoder's name or folder (default: the packaged one)")
    rerank.add_argument("--json", action="store_true", help="print JSON lines: rank, score, source, text")
    rerank.set_defaults(run=_rerank)
    return parser


def _doctor(options: argparse.Namespace) -> int:
    from rerank_course.doctor import run_doctor

    return 0 if run_doctor() else 1


def _rerank(options: argparse.Namespace) -> int:
    candidates = _read_candidates(options.files, options.lines)
    if not candidates:
        raise ValueError("there is no candidate to rank: the input is empty.")
    from rerank_course.models import DEFAULT_RERANKER, load_reranker
    from rerank_course.rerank import rerank_documents

    reranker = load_reranker(options.model or DEFAULT_RERANKER)
    ranking = rerank_documents(
        options.query, candidates, reranker, options.batch_size, options.top_k, show_progress=sys.stderr.isatty()
    )
    _warn_of_truncation(options.query, candidates, reranker)
    rows = [{"rank": rank, "score": score, **candidate} for rank, (candidate, score) in enumerate(ranking, start=1)]
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
        is_stdin = name == "-"
        data = sys.stdin.buffer.read() if is_stdin else Path(name).read_bytes()
        label = "stdin" if is_stdin else name
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{label} is not UTF-8 text ({error.reason} at byte {error.start}). Convert it first.") from None
        if by_line or is_stdin:
            candidates += [
                {"source": f"{label}:{number}", "text": line.strip()}
                for number, line in enumerate(text.splitlines(), start=1)
                if line.strip()
            ]
        elif text.strip():
            candidates.append({"source": label, "text": text.strip()})
        else:
            raise ValueError(f"{label} is empty.")
    return candidates


def _warn_of_truncation(query: str, candidates: list[dict[str, str]], reranker) -> None:
    """The model cuts a long document without a word; say which ones it did not read to the end."""
    limit = reranker.max_seq_length
    for candidate in candidates:
        tokens = len(reranker.tokenizer(query, candidate["text"], truncation=False, verbose=False)["input_ids"])
        if tokens > limit:
            print(f"warning: {candidate['source']}: query and text are {tokens:,} tokens; the model read the first {limit}.", file=sys.stderr)


def _print_table(rows: list[dict], width: int = 72) -> None:
    source_width = max(6, *(len(row["source"]) for row in rows))
    print(f"rank     score  {'source':{source_width}}  text")
    for row in rows:
        text = " ".join(row["text"].split())
        text = text if len(text) <= width else text[: width - 1].rstrip() + "…"
        print(f"{row['rank']:4}  {row['score']:8.2f}  {row['source']:{source_width}}  {text}")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main())
