"""The handbook, and what else can be loaded by name or path."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from rerank_course.engine.recorded_scores import RecordedReranker
from rerank_course.evaluate import per_query, retrieve_and_rerank
from rerank_course.retrieve import DenseRetriever
from rerank_course.text import Chunk
from rerank_course.texts.corpora import CORPORA, DATA, judgements_folder, load_corpus
from rerank_course.texts.documents import read_documents
from rerank_course.texts.files import CorpusError
from rerank_course.texts.judgements import Judgements

KINDS = {
    "plain keyword",
    "paraphrase",
    "negation",
    "number or limit",
    "acronym",
    "superseded rule",
    "multi-condition",
    "same words, other topic",
    "long document",
    "no answer",
}


@pytest.fixture(scope="module")
def handbook():
    return load_corpus("handbook")


def rows(name):
    return [json.loads(line) for line in (DATA / "handbook" / name).read_text(encoding="utf-8").splitlines()]


def test_the_handbook_holds_what_its_data_card_says(handbook):
    assert len(handbook.documents) == 294 and len(handbook.queries) == 112
    card = (DATA / "handbook" / "README.md").read_text(encoding="utf-8")
    grades = Counter(grade for judged in handbook.qrels.values() for grade in judged.values())
    for promised in (
        f"{len(handbook.documents)} passages",
        f"{len(handbook.queries)} queries",
        f"{sum(grades.values()):,} judgements",
    ):
        assert promised in card
    assert len({row["metadata"]["department"] for row in rows("corpus.jsonl")}) == 13


def test_the_running_example_is_there(handbook):
    assert handbook.queries["exp-q01"] == "What is the reimbursement limit?"
    assert (
        handbook.documents["exp-001"].text == "Employees may submit expenses up to $500 without pre-approval."
    )
    assert handbook.qrels["exp-q01"]["exp-001"] == 3


def test_every_query_is_judged_as_its_kind_asks(handbook):
    assert set(handbook.kinds.values()) == KINDS and set(handbook.kinds) == set(handbook.queries)
    for query, kind in handbook.kinds.items():
        grades = list(handbook.qrels[query].values())
        assert set(grades) <= {0, 1, 2, 3}
        assert sum(grade < 2 for grade in grades) >= 4, query
        assert (max(grades) >= 2) == (kind != "no answer"), query


def test_no_passage_stands_there_twice(handbook):
    assert len({chunk.text for chunk in handbook.documents.values()}) == len(handbook.documents)
    assert len(set(handbook.queries.values())) == len(handbook.queries)


def test_long_passages_are_those_that_say_where_their_answer_stands(reranker):
    """Twelve passages are longer than the model reads; each says where in it its answer stands."""
    positions = Counter()
    for row in rows("corpus.jsonl"):
        tokens = len(reranker.tokenizer(row["text"], verbose=False)["input_ids"])
        assert (tokens > 512) == ("answer_at" in row["metadata"]), (row["_id"], tokens)
        positions[row["metadata"].get("answer_at")] += 1
    assert [positions[where] for where in ("start", "middle", "end")] == [4, 4, 4]


def test_an_unknown_name_lists_the_known_ones():  # and says that a path would do
    with pytest.raises(CorpusError, match="handbook, pandas-docs. Your own data is named by its path"):
        load_corpus("no such corpus")


def test_the_handbook_is_hard_enough_to_teach_with(handbook, embedder):
    """Dense search is neither hopeless nor perfect, and the reranker repairs and breaks enough of its first
    places; by recorded float32 scores.
    """
    dense = DenseRetriever(list(handbook.documents.values()), embedder)
    runs = retrieve_and_rerank(
        handbook, {"dense": dense}, RecordedReranker("handbook", "fp32"), depths=(100,)
    )
    assert 0.55 <= per_query(runs["dense"], handbook)["nDCG@10"].mean() <= 0.85

    def right(run, query):
        return handbook.qrels[query].get(run[query][0][0], 0) >= 2

    changes = Counter(
        (right(runs["dense"], query), right(runs["dense + rerank 100"], query)) for query in runs["dense"]
    )
    assert changes[False, True] >= 15 and changes[True, False] >= 8, changes


# Own data


@pytest.fixture
def notes(file, tmp_path):
    """A folder of two notes that are judged beside it."""
    file("my notes/a b.md", "We open at nine.")
    file("my notes/sub/c.txt", "Cards are free.")
    file("my notes.judged/queries.jsonl", '{"_id": "q1", "text": "when?"}\n')
    file(
        "my notes.judged/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\ta b.md#1\t3\nq1\tsub/c.txt#1\t1\n"
    )
    return tmp_path / "my notes"


@pytest.mark.filterwarnings("ignore:2 grades in")  # that they do not know their texts
def test_a_folder_is_the_same_by_every_path(notes, monkeypatch):
    expected = load_corpus(notes)
    assert expected.name == "my notes" and expected.qrels == {"q1": {"a b.md#1": 3, "sub/c.txt#1": 1}}
    assert judgements_folder(notes) == notes.with_name("my notes.judged")
    link = notes.with_name("link")
    try:
        link.symlink_to(notes, target_is_directory=True)
    except OSError:
        link = notes  # this system does not let us make links
    monkeypatch.chdir(notes)
    for path in (
        ".",
        Path("."),
        "./",
        "../my notes",
        "../my notes/",
        "sub/..",
        str(notes) + "/",
        link,
        f"{link}/",
    ):
        assert load_corpus(path) == expected, path
        assert judgements_folder(Path(path)).resolve() == judgements_folder(notes).resolve()
    monkeypatch.chdir(notes / "sub")
    for path in ("..", Path(".."), "../"):
        assert load_corpus(path) == expected, path
        assert judgements_folder(Path(path)) == judgements_folder(notes)


def test_judgements_beside_a_link_are_still_found(notes, file, tmp_path):
    link = tmp_path / "link"
    try:
        link.symlink_to(notes, target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make links")
    file("link.judged/queries.jsonl", '{"_id": "q7", "text": "which?"}\n')
    assert judgements_folder(link) == tmp_path / "link.judged"
    assert list(load_corpus(link).queries) == ["q7"]


def test_a_linked_file_is_judged_beside_the_link(file, tmp_path):
    file("store/9f31", "text\nwords\n")
    link = tmp_path / "texts.csv"
    try:
        link.symlink_to(tmp_path / "store" / "9f31")
    except OSError:
        pytest.skip("this system does not let us make links")
    assert load_corpus(link).name == "texts" and judgements_folder(link) == tmp_path / "texts.csv.judged"


@pytest.mark.parametrize(
    ("name", "called"),
    [("a.csv", "a"), ("my texts.v2.csv", "my texts.v2"), (".csv.csv", ".csv"), ("notes/a.md", "notes")],
)
def test_names(file, tmp_path, name, called):
    file(name, "text\nwords\n")
    assert load_corpus(tmp_path / name.partition("/")[0]).name == called


def test_a_packed_table_is_called_as_the_table(file):
    assert load_corpus(file("a b.csv.gz", gzip.compress(b"text\nwords\n"))).name == "a b"


def test_a_frame_is_a_corpus_without_judgements():
    corpus = load_corpus(pd.DataFrame({"text": ["words"]}))
    assert corpus.documents == {"row-1": Chunk("row-1", "words")}
    assert (corpus.name, corpus.queries, corpus.qrels, corpus.relevant) == ("dataframe", {}, {}, 2)
    with pytest.raises(TypeError, match="a path or a pandas DataFrame"):
        load_corpus(["handbook"])


@pytest.mark.parametrize(
    ("grades", "relevant"),
    [([1], 1), ([1, 0, 1], 1), ([0], 1), ([-1, 1], 1), ([1, 2], 2), ([2], 2), ([3, 1], 2), ([7], 2), ([], 2)],
)
def test_the_level_of_relevance_follows_the_judgements(file, tmp_path, grades, relevant):
    file("c/corpus.jsonl", "".join(f'{{"_id": "d{i}", "text": "x"}}\n' for i in range(3)))
    file("c/queries.jsonl", '{"_id": "q1", "text": "when?"}\n')
    lines = [f"q1\td{place}\t{grade}\n" for place, grade in enumerate(grades)]
    file("c/qrels/test.tsv", "".join(["query-id\tcorpus-id\tscore\n", *lines]))
    assert load_corpus(tmp_path / "c").relevant == relevant
    assert load_corpus(tmp_path / "c", relevant=3).relevant == 3


@pytest.mark.parametrize("name", CORPORA)
def test_the_level_of_a_corpus_of_the_course(name):
    corpus = load_corpus(name)
    assert corpus.relevant == 2 and load_corpus(name, relevant=1).relevant == 1
    assert load_corpus(name) is corpus
    with pytest.raises(CorpusError, match=f"{name} has the split 'test' only, not 'dev'"):
        load_corpus(name, split="dev")


def test_a_level_that_is_no_grade_is_refused():
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="a grade of 1 or more"):
            load_corpus("handbook", relevant=wrong)
    for wrong in (1.0, "1", True):
        with pytest.raises(TypeError, match="a whole number from 1"):
            load_corpus("handbook", relevant=wrong)


def test_only_the_judged_own_data_of_a_split_is_read(notes, file):
    file("my notes.judged/qrels/mine.tsv", "q1\tsub/c.txt#1\t2\n")
    with pytest.warns(UserWarning, match="mine.tsv"):
        assert load_corpus(notes, split="mine").qrels == {"q1": {"sub/c.txt#1": 2}}
    with pytest.raises(CorpusError, match="no judgements of the split 'dev'.* It has: mine, test"):
        load_corpus(notes, split="dev")


def test_grades_follow_their_texts(file):
    path = file("faq.csv", "text\nWe open at nine.\nCards are free.\n")
    judgements = Judgements(judgements_folder(path), load_corpus(path).documents)
    query = judgements.add_query("When do you open?")
    judgements.record(query, load_corpus(path).documents["row-2"], 3)
    judgements.record(query, load_corpus(path).documents["row-3"], 0)
    file("faq.csv", "text\nThe lift is out of order.\nWe open at nine.\nCards cost 5 euros.\n")
    with pytest.warns(UserWarning, match="1 grade .* texts that have been changed") as caught:
        assert load_corpus(path).qrels == {query: {"row-3": 3}}
    assert len(caught) == 1
    file("faq.csv", "text\nAll new.\n")
    with pytest.warns(UserWarning, match="2 grades .* changed"):
        assert load_corpus(path).qrels == {}


def test_an_empty_path_is_not_the_folder_that_one_is_in(notes, monkeypatch):
    monkeypatch.chdir(notes)
    with pytest.raises(CorpusError, match="no corpus and no file ''"):
        load_corpus("")
    with pytest.raises(CorpusError, match="The path is empty"):
        read_documents("")


def test_old_judgements_of_rows_that_are_gone_do_not_stop_anybody(file):
    """Without the texts that they were given for, which older versions did not save."""
    path = file("faq.csv", "text\nWe open at nine.\n")
    file("faq.csv.judged/queries.jsonl", '{"_id": "q1", "text": "when?"}\n')
    judged = file("faq.csv.judged/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\trow-9\t3\n")
    with pytest.warns(UserWarning, match=r"documents that are not there: 1 .*line 2: 'row-9'"):
        assert load_corpus(path).qrels == {}
    judged.write_text("q1\tfaq-9\t3\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="No judgement is of .*line 1: 'faq-9'"):
        load_corpus(path)
