"""``evaluate``: measure retrieval and reranking on judged queries, and judge them first if asked to."""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rerank_course.engine.kept_scores import KeptScores
    from rerank_course.report.uses import Others
    from rerank_course.texts.beir import Corpus

REPORT = "report.html"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "evaluate",
        help="measure retrieval and reranking on your own data",
        description="Measure keyword search, dense search and their mix, and each of them reranked, on "
        "judged queries: with the reranker's order in place of the search's, with both scores mixed, behind "
        "a cascade, and only where the search is unsure. Write a report. With --judge, judge the best "
        "results of your queries first; grades are saved as you go. Scores are kept, so that a second run "
        "costs only what is new.",
    )
    add = parser.add_argument
    data = "a table, a folder of text files, a BEIR folder; or handbook, pandas-docs"
    queries = "with --judge: a text file with one query a line (default: type them)"
    run_file = "rerank this TREC run, which another engine made, in place of our searches; may be repeated"
    folder = f"where to write the runs, the judgements and {REPORT} (default runs)"
    add("path", help=data)
    add("--judge", action="store_true", help="judge the pooled first ten results before measuring")
    add("--queries", metavar="FILE", type=Path, help=queries)
    add("--split", default="test", metavar="NAME", help="which of the judgements in qrels/ (default test)")
    add("--relevant", type=int, metavar="N", help="the grade from which on a document is an answer")
    add("--run", action="append", default=[], dest="given", metavar="FILE", type=Path, help=run_file)
    add("--depths", default="10,50", metavar="N,N", help="how many candidates to rerank (default 10,50)")
    add("--runs", default="runs", metavar="FOLDER", type=Path, help=folder)
    add_model_to(parser)
    add("--json", action="store_true", help="print the numbers as JSON")
    parser.set_defaults(run=run)


def add_model_to(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the reranker."""
    from rerank_course.models import BACKENDS

    add = parser.add_argument
    add("--model", metavar="NAME", help="a cross-encoder's name or folder (default: the packaged one)")
    add("--backend", choices=BACKENDS, default="torch", help="what runs it (default torch); int8 is faster")


def run(options: argparse.Namespace) -> int:
    """Judge if asked to, measure, write runs and report, and print the table."""
    depths = _read_depths(options.depths)
    _check_judging(options)
    corpus = _load(options)
    if options.judge:
        _judge(options, corpus)
        with warnings.catch_warnings(action="ignore"):  # all that there is to say was said above
            corpus = _load(options)
    _check_answers(corpus, options.path)
    given = _given_runs(options.given, corpus)
    _check_names(list(given), depths)
    retrievers = given or _our_searches(corpus)
    reranker = _load_reranker(options)
    from rerank_course.evaluate import retrieve_and_rerank
    from rerank_course.report.uses import other_uses

    _say_what_comes(corpus, retrievers, depths)
    bars = sys.stderr.isatty()
    runs = retrieve_and_rerank(corpus, retrievers, reranker, depths, show_progress=bars)
    others = other_uses(corpus, retrievers, reranker, runs, depths)
    runs |= others.runs
    _write_files(runs, corpus, options.runs)
    _write_report(runs, corpus, reranker, others, options)
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
    folder = Path(options.path).resolve()
    if options.queries and folder.is_dir() and options.queries.resolve().is_relative_to(folder):
        raise ValueError(
            f"{options.queries} stands in {options.path} and would be searched like a document. "
            "Put it elsewhere."
        )
    if options.given and options.judge:
        raise ValueError("--judge pools our own searches. Judge first, then measure with --run.")
    if options.judge and options.path in CORPORA:
        raise ValueError(
            f"{options.path} is judged already, and its judgements are not changed. "
            "Give --judge data of your own."
        )


def _load(options: argparse.Namespace) -> "Corpus":
    from rerank_course.texts.corpora import load_corpus

    bars = sys.stderr.isatty()
    return load_corpus(options.path, split=options.split, relevant=options.relevant, show_progress=bars)


def _check_answers(corpus: "Corpus", path: str) -> None:
    from rerank_course.evaluate import answered_queries

    if answered_queries(corpus):
        return
    best = max((grade for judged in corpus.qrels.values() for grade in judged.values()), default=0)
    lower = f" The highest grade there is {best}: --relevant {best} counts it." if best > 0 else ""
    raise ValueError(
        f"no query of {path} has an answer yet (a document of grade {corpus.relevant} or more).{lower} "
        "Judge some: add --judge."
    )


def _say_what_comes(corpus: "Corpus", retrievers: dict, depths: list[int]) -> None:
    """For whoever reads a log: without a terminal there is no bar, and this takes minutes."""
    from rerank_course.evaluate import answered_queries

    searches, queries = len(retrievers), len(answered_queries(corpus))
    print(
        f"Reranking the first {max(depths)} of {searches} {'search' if searches == 1 else 'searches'} "
        f"for {queries} {'query' if queries == 1 else 'queries'}. "
        "Scores are kept: a run that was stopped goes on where it was.",
        file=sys.stderr,
        flush=True,
    )


def _given_runs(files: list[Path], corpus: "Corpus") -> dict:
    """``{name: run}`` of the files; what they name and the collection lacks is said."""
    from rerank_course.texts.trec import read_run

    runs: dict = {}
    for file in files:
        if file.stem in runs:
            raise ValueError(f"two runs are called {file.stem}. Rename one of the files.")
        runs[file.stem], unknown = read_run(file, corpus.queries, corpus.documents)
        if unknown:
            say = f"lines left out, whose query or document {corpus.name} does not have: {unknown:,}"
            print(f"warning: {file}: {say}.", file=sys.stderr)
    return runs


def _check_names(names: list[str], depths: list[int]) -> None:
    """Refuse runs whose names, or those of what is made of them, would stand in one file."""
    from rerank_course.report.uses import names_of

    systems = [system for name in names for system in names_of(name, depths)]
    seen: dict[str, str] = {}
    for system in systems:
        tag = _tag(system).casefold()  # some systems take run.txt and Run.txt for one file
        if tag in seen:
            raise ValueError(
                f"{seen[tag]!r} and {system!r} would be written into one file. Rename one of the runs."
            )
        seen[tag] = system


def _tag(system: str) -> str:
    """A system's name without white space, for the names of files and inside them."""
    return "-".join(system.replace("+", " ").split())


def _our_searches(corpus: "Corpus") -> dict:
    """``{name: retriever}`` for a corpus."""
    from rerank_course.models import load_embedder
    from rerank_course.retrieve import BM25Retriever, DenseRetriever, HybridRetriever

    documents = list(corpus.documents.values())
    bm25 = BM25Retriever(documents)
    dense = DenseRetriever(documents, load_embedder(), show_progress=sys.stderr.isatty())
    return {"BM25": bm25, "dense": dense, "hybrid": HybridRetriever([bm25, dense])}


def _load_reranker(options: argparse.Namespace) -> "KeptScores":
    from rerank_course.engine.kept_scores import KeptScores
    from rerank_course.engine.weights import DEFAULT_RERANKER
    from rerank_course.models import load_reranker

    return KeptScores(load_reranker(options.model or DEFAULT_RERANKER, backend=options.backend))


def _judge(options: argparse.Namespace, corpus: "Corpus") -> None:
    """Have a person grade, for each query, the first ten of each search and of the reranked mix."""
    from rerank_course.rerank import rerank_documents
    from rerank_course.texts.corpora import judgements_folder
    from rerank_course.texts.judgements import Judgements
    from rerank_course.texts.judging import judge_in_terminal, pool

    queries = _read_queries(options.queries) or list(corpus.queries.values()) or _type_queries()
    retrievers, reranker = _our_searches(corpus), _load_reranker(options)

    def find(query: str) -> list:
        rankings = [retriever.search(query, 50) for retriever in retrievers.values()]
        reranked = rerank_documents(query, [chunk for chunk, _ in rankings[-1]], reranker, top_k=10)
        return pool([*rankings, reranked], depth=10)

    judgements = Judgements(judgements_folder(Path(options.path)), corpus.documents, options.split)
    judge_in_terminal(judgements, queries, find)


def _read_queries(path: Path | None) -> list[str]:
    if path is None:
        return []
    from rerank_course.text import is_blank
    from rerank_course.texts.beir import read_queries
    from rerank_course.texts.files import JSON_ENDINGS, ending_of, opened

    if ending_of(path) in JSON_ENDINGS:
        queries = list(read_queries(path)[0].values())
    else:
        with opened(path) as file:
            queries = [line.strip() for line in file if not is_blank(line)]
    odd = next((query for query in queries if "\t" in query or query.startswith("{")), None)
    if odd is not None:
        raise ValueError(
            f"{path}: {odd[:60]!r} is not a query alone. Write one a line, without ids, "
            'or name a .jsonl file with lines like {"_id": "q1", "text": "…"}.'
        )
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


def _write_files(runs: dict, corpus: "Corpus", folder: Path) -> None:
    """The runs and the judgements that they were measured with, in TREC's format."""
    from rerank_course.evaluate import answered_queries
    from rerank_course.texts.trec import write_qrels, write_run

    for name, ranked in runs.items():
        tag = _tag(name)
        write_run(ranked, folder / f"{corpus.name}.{tag}.txt", tag)
    judged = {query: corpus.qrels[query] for query in answered_queries(corpus)}
    write_qrels(judged, folder / f"{corpus.name}.qrels.txt")


def _write_report(
    runs: dict, corpus: "Corpus", reranker: "KeptScores", others: "Others", options: argparse.Namespace
) -> None:
    """The report as a page, and on the screen the table or the numbers as JSON."""
    from rerank_course.engine.weights import DEFAULT_RERANKER
    from rerank_course.report.measured import Measured
    from rerank_course.report.numbers import numbers_of
    from rerank_course.report.page import page_of
    from rerank_course.report.setting import Setting
    from rerank_course.texts.files import write_whole

    model, cost = options.model or DEFAULT_RERANKER, (reranker.seconds or None, reranker.scored or None)
    measured = Measured(corpus, runs)
    setting = Setting(model, options.backend, *cost, others.weights, others.margins)
    write_whole(options.runs / REPORT, page_of(measured, setting))
    if options.json:
        print(json.dumps(numbers_of(measured, setting), ensure_ascii=False, indent=1))
    else:
        _print_table(runs, corpus, options.runs)


def _print_table(runs: dict, corpus: "Corpus", folder: Path) -> None:
    from rerank_course.evaluate import answered_queries, per_query, summary

    print(summary({name: per_query(ranked, corpus) for name, ranked in runs.items()}).round(3).to_string())
    answered, documents = answered_queries(corpus), len(corpus.documents)
    print(
        f"\n{documents:,} document{'s' * (documents != 1)}; {len(answered)} of {len(corpus.queries)} queries "
        f"have an answer (grade {corpus.relevant} or more); {len(runs)} runs and {REPORT} in {folder}{os.sep}"
    )
    weak = [q for q, judged in corpus.qrels.items() if 0 < max(judged.values(), default=0) < corpus.relevant]
    if weak:
        print(f"{len(weak)} more have only documents of a lower grade: --relevant 1 counts them as answers.")
