"""The course on the command line: ``python -m rerank_course doctor | progress | fetch | rerank | evaluate |
serve-hosted``.
"""

import argparse
import json
import os
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 if it succeeded, 1 if the doctor found a fault or a model was not fetched, 2 for
    unusable input.
    """
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
    parser = argparse.ArgumentParser(
        prog="python -m rerank_course", description="The reranking course on the command line."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    doctor = commands.add_parser(
        "doctor",
        help="check this machine and rerank one example",
        description="Check this machine and rerank one example.",
    )
    doctor.set_defaults(run=_doctor)

    progress = commands.add_parser(
        "progress",
        help="which checks you have passed, and what comes next",
        description="Show which of the exercises' checks you have passed, and what comes next. It is kept in a file of yours on this machine; nothing is sent.",
    )
    progress.add_argument("--reset", action="store_true", help="forget all of it")
    progress.set_defaults(run=_progress)

    fetch = commands.add_parser(
        "fetch",
        help="bring hub models to this machine in advance",
        description="Bring cross-encoders of the Hugging Face hub to this machine in advance, and load each once. Run it again after an interruption: "
        "complete files are kept.",
    )
    fetch.add_argument(
        "names", nargs="+", metavar="NAME", help="a model's name, for example BAAI/bge-reranker-base"
    )
    fetch.set_defaults(run=_fetch)

    rerank = commands.add_parser(
        "rerank",
        help="order texts by how well they answer a query",
        description="Order texts by how well they answer a query. Each FILE is one candidate; without FILE, or for -, "
        "each line of standard input is one.",
    )
    rerank.add_argument("query")
    rerank.add_argument(
        "files", nargs="*", metavar="FILE", help="a UTF-8 text file, or - for the lines of standard input"
    )
    rerank.add_argument("--lines", action="store_true", help="each line of each FILE is a candidate")
    rerank.add_argument("--top-k", type=int, default=20, metavar="N", help="how many to print (default 20)")
    rerank.add_argument(
        "--batch-size", type=int, default=32, metavar="N", help="pairs per forward pass (default 32)"
    )
    rerank.add_argument(
        "--model", metavar="NAME", help="a cross-encoder's name or folder (default: the packaged one)"
    )
    rerank.add_argument("--json", action="store_true", help="print JSON lines: rank, score, source, text")
    rerank.set_defaults(run=_rerank)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure retrieval and reranking on your own data",
        description="Measure keyword search, dense search and their mix, and each of them reranked, on judged queries. With --judge, "
        "judge the best results of your queries first; grades are saved as you go.",
    )
    evaluate.add_argument(
        "path",
        help="a CSV or JSON-lines file, a folder of text files, a BEIR folder; or handbook, pandas-docs",
    )
    evaluate.add_argument(
        "--judge", action="store_true", help="judge the pooled first ten results before measuring"
    )
    evaluate.add_argument(
        "--queries",
        metavar="FILE",
        type=Path,
        help="with --judge: a text file with one query a line (default: type them)",
    )
    evaluate.add_argument(
        "--depths", default="10,50", metavar="N,N", help="how many candidates to rerank (default 10,50)"
    )
    evaluate.add_argument(
        "--runs",
        default="runs",
        metavar="FOLDER",
        type=Path,
        help="where to write the TREC run files (default runs)",
    )
    evaluate.add_argument(
        "--model", metavar="NAME", help="a cross-encoder's name or folder (default: the packaged one)"
    )
    evaluate.set_defaults(run=_evaluate)

    serve = commands.add_parser(
        "serve-hosted",
        help="run a stand-in for the hosted reranker",
        description="Answer as Cohere's Rerank service would, on this machine and for this machine only, until Ctrl-C. Scores are the packaged reranker's.",
    )
    serve.add_argument(
        "--port", type=int, default=0, metavar="N", help="where to listen (default: a free one)"
    )
    serve.add_argument(
        "--key", metavar="KEY", help="what callers have to show (default: made up and printed)"
    )
    serve.set_defaults(run=_serve_hosted)
    return parser


def _doctor(options: argparse.Namespace) -> int:
    from rerank_course.learner.doctor import run_doctor

    return 0 if run_doctor() else 1


def _progress(options: argparse.Namespace) -> int:
    from rerank_course.learner.progress import forget, progress_file, show_progress

    if options.reset:
        print(f"Forgotten: {forget()} passed checks.")
        return 0
    show_progress()
    if progress_file():
        print(
            f"Kept in {progress_file()}, on this machine alone. To forget it: python -m rerank_course progress --reset"
        )
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from rerank_course.learner.fetch import fetch_models

    return 0 if fetch_models(options.names) else 1


def _rerank(options: argparse.Namespace) -> int:
    candidates = _read_candidates(options.files, options.lines)
    if not candidates:
        raise ValueError("there is no candidate to rank: the input is empty.")
    from rerank_course.engine.weights import DEFAULT_RERANKER
    from rerank_course.models import load_reranker
    from rerank_course.rerank import rerank_documents

    reranker = load_reranker(options.model or DEFAULT_RERANKER)
    ranking = rerank_documents(
        options.query,
        candidates,
        reranker,
        options.batch_size,
        options.top_k,
        show_progress=sys.stderr.isatty(),
    )
    _warn_of_truncation(options.query, candidates, reranker)
    rows = [
        {"rank": rank, "score": score, **candidate}
        for rank, (candidate, score) in enumerate(ranking, start=1)
    ]
    if options.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    else:
        _print_table(rows)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from rerank_course.evaluate import (
        answered_queries,
        per_query,
        retrieve_and_rerank,
        summary,
        write_trec_run,
    )
    from rerank_course.texts.corpora import CORPORA, load_corpus

    depths = _read_depths(options.depths)
    if options.queries and not options.judge:
        raise ValueError(
            "--queries goes with --judge: queries have to be judged before anything can be measured."
        )
    corpus = load_corpus(options.path, show_progress=sys.stderr.isatty())
    retrievers, reranker = _systems(corpus, options.model)
    if options.judge:
        if options.path in CORPORA:
            raise ValueError(
                f"{options.path} is judged already, and its judgements are not changed. Give --judge data of your own."
            )
        _judge(options, corpus, retrievers, reranker)
        corpus = load_corpus(options.path)
    answered = len(answered_queries(corpus))
    if not answered:
        raise ValueError(
            f"no query of {options.path} has an answer yet (a document graded 2 or 3). Judge some: add --judge."
        )
    runs = retrieve_and_rerank(corpus, retrievers, reranker, depths, show_progress=sys.stderr.isatty())
    for name, run in runs.items():
        tag = name.replace(" + ", "-").replace(" ", "-")
        write_trec_run(run, options.runs / f"{corpus.name}.{tag}.txt", tag)
    print(summary({name: per_query(run, corpus) for name, run in runs.items()}).round(3).to_string())
    print(
        f"\n{len(corpus.documents):,} documents; {answered} of {len(corpus.queries)} queries have an answer; {len(runs)} runs in {options.runs}{os.sep}"
    )
    return 0


def _serve_hosted(options: argparse.Namespace) -> int:
    from rerank_course.service.stand_in import StandIn

    if not 0 <= options.port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, not {options.port}.")
    with StandIn(port=options.port, key=options.key) as service:
        print(f"Listening on {service.url} with the key {service.key}. Ctrl-C ends it.\n")
        print(f"    reranker = CohereReranker(api_key={service.key!r}, base_url={service.url!r})\n")
        print(
            f"To make the next call fail:\n    curl {service.url}/stand-in/next -H 'Authorization: Bearer {service.key}' -d '{{\"fault\": \"rate limit\"}}'",
            flush=True,
        )
        service.wait()
    return 0


def _systems(corpus, model: str | None):
    """({name: retriever}, reranker) for a corpus."""
    from rerank_course.engine.weights import DEFAULT_RERANKER
    from rerank_course.models import load_embedder, load_reranker
    from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever

    documents = list(corpus.documents.values())
    bm25 = BM25Retriever(documents)
    dense = DenseRetriever(documents, load_embedder(), show_progress=sys.stderr.isatty())
    retrievers = {"BM25": bm25, "dense": dense, "hybrid": HybridRetriever([bm25, dense])}
    return retrievers, load_reranker(model or DEFAULT_RERANKER)


def _judge(options: argparse.Namespace, corpus, retrievers: dict, reranker) -> None:
    """Pool the first ten of each retriever and of the reranked mix for each query, and have a person grade
    them.
    """
    from rerank_course.rerank import rerank_documents
    from rerank_course.texts.corpora import judgements_folder
    from rerank_course.texts.judgements import Judgements
    from rerank_course.texts.judging import judge_in_terminal, pool

    def find(query: str) -> list:
        rankings = [retriever.search(query, 50) for retriever in retrievers.values()]
        reranked = rerank_documents(query, [chunk for chunk, _ in rankings[-1]], reranker, top_k=10)
        return pool([*rankings, reranked], depth=10)

    queries = _read_queries(options.queries) or list(corpus.queries.values()) or _type_queries()
    judge_in_terminal(Judgements(judgements_folder(Path(options.path))), queries, find)


def _read_queries(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}). Convert it first."
        ) from None
    queries = [line.strip() for line in lines if line.strip()]
    if not queries:
        raise ValueError(f"{path} holds no query. Write one a line.")
    return queries


def _type_queries() -> list[str]:
    print("Type your queries, one a line; an empty line ends the list.")
    queries: list[str] = []
    while True:
        try:
            line = input("query: ").strip()
        except EOFError:
            line = ""
        if not line:
            break
        queries.append(line)
    if not queries:
        raise ValueError("no query was given. Type at least one, or name a file with --queries.")
    return queries


def _read_depths(text: str) -> list[int]:
    try:
        depths = [int(word) for word in text.split(",")]
    except ValueError:
        raise ValueError(
            f"--depths takes whole numbers with commas between them, for example 10,50, not {text!r}."
        ) from None
    if min(depths) < 1 or max(depths) > 1000:
        raise ValueError(f"--depths must be from 1 to 1000, not {text!r}.")
    return sorted(set(depths))


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
            raise ValueError(
                f"{label} is not UTF-8 text ({error.reason} at byte {error.start}). Convert it first."
            ) from None
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
        tokens = len(
            reranker.tokenizer(query, candidate["text"], truncation=False, verbose=False)["input_ids"]
        )
        if tokens > limit:
            print(
                f"warning: {candidate['source']}: query and text are {tokens:,} tokens; the model read the first {limit}.",
                file=sys.stderr,
            )


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
