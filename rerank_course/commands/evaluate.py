"""``evaluate``: measure retrieval and reranking on judged queries, and judge them first if asked to."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from rerank_course.texts.beir import Corpus


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "evaluate",
        help="measure retrieval and reranking on your own data",
        description="Measure keyword search, dense search and their mix, and each of them reranked, on "
        "judged queries. With --judge, judge the best results of your queries first; grades are saved as "
        "you go.",
    )
    add = parser.add_argument
    data = "a CSV or JSON-lines file, a folder of text files, a BEIR folder; or handbook, pandas-docs"
    queries = "with --judge: a text file with one query a line (default: type them)"
    runs = "where to write the TREC run files (default runs)"
    add("path", help=data)
    add("--judge", action="store_true", help="judge the pooled first ten results before measuring")
    add("--queries", metavar="FILE", type=Path, help=queries)
    add("--depths", default="10,50", metavar="N,N", help="how many candidates to rerank (default 10,50)")
    add("--runs", default="runs", metavar="FOLDER", type=Path, help=runs)
    add("--model", metavar="NAME", help="a cross-encoder's name or folder (default: the packaged one)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge if asked to, measure, write the runs and print the table."""
    depths = _read_depths(options.depths)
    _check_judging(options)
    from rerank_course.evaluate import retrieve_and_rerank
    from rerank_course.texts.corpora import load_corpus

    corpus = load_corpus(options.path, show_progress=sys.stderr.isatty())
    if not options.judge:
        _check_answers(corpus, options.path)
    retrievers, reranker = _load_systems(corpus, options.model)
    if options.judge:
        _judge(options, corpus, retrievers, reranker)
        corpus = load_corpus(options.path)
        _check_answers(corpus, options.path)
    runs = retrieve_and_rerank(corpus, retrievers, reranker, depths, show_progress=sys.stderr.isatty())
    _write_runs(runs, corpus, options.runs)
    _print_results(runs, corpus, options.runs)
    return 0


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


def _check_judging(options: argparse.Namespace) -> None:
    from rerank_course.texts.corpora import CORPORA

    if options.queries and not options.judge:
        raise ValueError(
            "--queries goes with --judge: queries have to be judged before anything can be measured."
        )
    if options.judge and options.path in CORPORA:
        raise ValueError(
            f"{options.path} is judged already, and its judgements are not changed. "
            "Give --judge data of your own."
        )


def _check_answers(corpus: "Corpus", path: str) -> None:
    from rerank_course.evaluate import answered_queries

    if not answered_queries(corpus):
        raise ValueError(
            f"no query of {path} has an answer yet (a document graded 2 or 3). Judge some: add --judge."
        )


def _load_systems(corpus: "Corpus", model: str | None) -> tuple[dict, "CrossEncoder"]:
    """({name: retriever}, reranker) for a corpus."""
    from rerank_course.engine.weights import DEFAULT_RERANKER
    from rerank_course.models import load_embedder, load_reranker
    from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever

    documents = list(corpus.documents.values())
    bm25 = BM25Retriever(documents)
    dense = DenseRetriever(documents, load_embedder(), show_progress=sys.stderr.isatty())
    retrievers = {"BM25": bm25, "dense": dense, "hybrid": HybridRetriever([bm25, dense])}
    return retrievers, load_reranker(model or DEFAULT_RERANKER)


def _judge(options: argparse.Namespace, corpus: "Corpus", retrievers: dict, reranker: "CrossEncoder") -> None:
    """Have a person grade, for each query, the first ten of each retriever and of the reranked mix."""
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


def _write_runs(runs: dict, corpus: "Corpus", folder: Path) -> None:
    from rerank_course.evaluate import write_trec_run

    for name, ranked in runs.items():
        tag = name.replace(" + ", "-").replace(" ", "-")
        write_trec_run(ranked, folder / f"{corpus.name}.{tag}.txt", tag)


def _print_results(runs: dict, corpus: "Corpus", folder: Path) -> None:
    from rerank_course.evaluate import answered_queries, per_query, summary

    print(summary({name: per_query(ranked, corpus) for name, ranked in runs.items()}).round(3).to_string())
    print(
        f"\n{len(corpus.documents):,} documents; {len(answered_queries(corpus))} of {len(corpus.queries)} "
        f"queries have an answer; {len(runs)} runs in {folder}{os.sep}"
    )
