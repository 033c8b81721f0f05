"""Collections as they are published, exported and saved: read whole, counted, or refused with the line."""

import csv
import gzip
import io
import json
import subprocess
import sys

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.corpora import judgements_folder, load_corpus
from rerank_course.texts.files import CorpusError
from rerank_course.texts.trec import write_qrels

pytestmark = pytest.mark.usefixtures("no_warnings")
BOM = b"\xef\xbb\xbf"
HEADER = "query-id\tcorpus-id\tscore\n"

DOCUMENTS = [
    {"_id": "d1", "title": "Keys", "text": "Ask the porter for a new key.", "metadata": {}},
    {"_id": "d2", "title": "Hours", "text": "The pool opens at seven.", "metadata": {}},
    {"_id": "d3", "title": "", "text": "A list of feast days.", "metadata": {}},
]
QUERIES = [
    {"_id": "q1", "text": "lost key", "metadata": {}},
    {"_id": "q2", "text": "pool times", "metadata": {}},
]
QRELS = HEADER + "q1\td1\t2\nq2\td2\t2\n"
JUDGED = {"q1": {"d1": 2}, "q2": {"d2": 2}}


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def collection(tmp_path):
    """Writes a collection; what is not given is as it should be. Gives its folder."""

    def write(corpus=DOCUMENTS, queries=QUERIES, qrels=QRELS, qrels_file="qrels/test.tsv", packed=False):
        parts = {"corpus.jsonl": corpus, "queries.jsonl": queries, qrels_file: qrels}
        for name, content in parts.items():
            content = lines(content) if isinstance(content, list) else content
            content = content.encode() if isinstance(content, str) else content
            path = tmp_path / "collection" / (name + ".gz" * packed)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content) if packed else content)
        return tmp_path / "collection"

    return write


def with_document(**fields):
    return [*DOCUMENTS, fields]


# The same collection in many forms


PLAIN = {"corpus": lines(DOCUMENTS), "queries": lines(QUERIES), "qrels": QRELS}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode(),
        lambda text: BOM + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: BOM + text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\n\n \n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace('"metadata": {}', '"metadata": null').encode(),
        lambda text: text.replace(', "metadata": {}', "").encode(),
        lambda text: text.replace('"metadata": {}', '"metadata": {"doi": null, "kind": null}').encode(),
        lambda text: text.replace('"metadata": {}', '"metadata": []').encode(),
        lambda text: text.replace('"title": ""', '"title": null').encode(),
        lambda text: text.replace('"title": "", ', "").encode(),
        lambda text: text.replace('"_id"', '"id"').encode(),
        lambda text: text.replace('{"_id"', '{"id": "other", "_id"').encode(),
        lambda text: text.replace("\t2\n", "\t2.0\n").encode(),
        lambda text: text.replace("\t2\n", "\t2 \n").encode(),
        lambda text: (
            text.replace("q1\td1", "q1 0 d1")
            .replace("q2\td2", "q2 0 d2")
            .replace("\t2\n", " 2\n")
            .replace(HEADER, "")
            .encode()
        ),
        lambda text: text.replace(HEADER, HEADER.upper()).encode(),
        lambda text: text.replace(HEADER, "").encode(),
        lambda text: text.replace("\td", "\t0\td").replace(HEADER, "").encode(),
    ],
)
def test_one_collection_in_many_forms(collection, change, packed):
    expected = load_corpus(collection())
    folder = collection(**{part: change(text) for part, text in PLAIN.items()}, packed=packed)
    for plain in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        (folder / plain).unlink(missing_ok=True) if packed else None
    corpus = load_corpus(folder)
    assert corpus == expected and corpus.qrels == JUDGED and corpus.kinds == {}
    assert corpus.documents["d1"] == Chunk("d1", DOCUMENTS[0]["text"], "Keys")


@pytest.mark.parametrize(
    "name", ["qrels/test.txt", "qrels/test.qrels", "qrels/test", "qrels.txt", "qrels.tsv", "qrels"]
)
def test_judgements_under_other_names(collection, name):
    assert load_corpus(collection(qrels="q1 0 d1 2\nq2 0 d2 2\n", qrels_file=name)).qrels == JUDGED


def test_judgements_as_mteb_publishes_them(collection):
    rows = [
        {"query-id": "q1", "corpus-id": "d1", "score": 2},
        {"query-id": "q2", "corpus-id": "d2", "score": 2.0},
    ]
    assert load_corpus(collection(qrels=rows, qrels_file="qrels/test.jsonl")).qrels == JUDGED


def test_judgements_in_an_unknown_form_are_named(collection):
    with pytest.raises(
        CorpusError, match=r"qrels holds test\.csv, which is not a form .*Save them as qrels/test\.tsv"
    ):
        load_corpus(collection(qrels="q1,d1,2\n", qrels_file="qrels/test.csv"))


def test_what_a_save_leaves_that_was_cut_off_is_no_judgement(collection):
    assert load_corpus(collection(qrels="q1", qrels_file="qrels/test.tsv.part")).qrels == {}


def test_two_files_of_judgements_are_not_chosen_between(collection):
    collection()
    with pytest.raises(
        CorpusError, match=r"test\.tsv and .*qrels\.txt both hold judgements of the split 'test'"
    ):
        load_corpus(collection(qrels="q1 0 d1 2\n", qrels_file="qrels.txt"))


@pytest.mark.parametrize("separator", "\u2028\u2029\x85\x0b\x0c\x1c\x1e\t\r\x00\x1b")
def test_any_separator_inside_a_text(collection, separator):
    text = f"first{separator}second"
    row = '{"_id": "d9", "text": "' + text + '"}\n'
    corpus = load_corpus(
        collection(corpus=lines(DOCUMENTS) + row, queries=lines(QUERIES) + row.replace("d9", "q9"))
    )
    assert corpus.documents["d9"].text == text == corpus.queries["q9"] and len(corpus.documents) == 4


# Ids


@pytest.mark.parametrize(
    "name",
    [
        "doc one",
        " d ",
        '"Heroes"_(David_Bowie_album)',
        '"Weird_Al"',
        "it's,\\ here|now;",
        "Malmö_(Łódź)_東京",
        "<dbpedia:Animal_Farm>",
        "b8d3fa1e-2019-04-18T00:00:12Z-00001-000",
        "signal_1a2b:3/4#5",
        "-1",
        "a\u2028b\x0c",
        "%20",
        "null",
    ],
)
@pytest.mark.parametrize("as_csv", [True, False])
def test_ids_of_all_sorts(collection, name, as_csv):
    target = io.StringIO()
    if as_csv:
        csv.writer(target, delimiter="\t", lineterminator="\n").writerow([name, name, 1])
    else:
        target.write(f"{name}\t{name}\t1\n")
    document, query = {"_id": name, "text": "words"}, {"_id": name, "text": "which?"}
    corpus = load_corpus(collection(with_document(**document), [query], HEADER + target.getvalue()))
    assert corpus.qrels == {name: {name: 1}} and corpus.documents[name].text == "words"


def test_ids_as_they_were_written_for_trec(collection, tmp_path):
    documents = [{"_id": name, "text": "words"} for name in ("doc one", "a%20b", "é\u2028", "100%")]
    grades = {"q 1": {"doc one": 2, "a%20b": 1, "é\u2028": 3, "100%": 0}}
    write_qrels(grades, tmp_path / "qrels.txt")
    written = (tmp_path / "qrels.txt").read_bytes()
    corpus = load_corpus(collection(documents, [{"_id": "q 1", "text": "which?"}], written))
    assert corpus.qrels == grades


def test_an_id_that_only_looks_like_another_does_not_take_its_grade(collection):
    with pytest.warns(UserWarning, match="documents that are not there: 1 .*'a%20b'"):
        corpus = load_corpus(
            collection(with_document(_id="a b", text="x"), qrels="q1\ta b\t1\nq1\ta%20b\t2\n")
        )
    assert corpus.qrels == {"q1": {"a b": 1}}
    queries = [{"_id": "q 1", "text": "which?"}]
    with pytest.warns(UserWarning, match="queries that are not there: 1 .*'q%201'"):
        corpus = load_corpus(collection(queries=queries, qrels="q%201\td1\t1\nq 1\td1\t2\n"))
    assert corpus.qrels == {"q 1": {"d1": 2}}


def test_ids_as_numbers(collection):
    corpus = load_corpus(
        collection(
            [{"_id": 1, "text": "a"}, {"id": 20, "text": "b"}],
            [{"_id": 7, "text": "c"}],
            "7\t1\t1\n7\t20\t0\n",
        )
    )
    assert list(corpus.documents) == ["1", "20"] and corpus.qrels == {"7": {"1": 1, "20": 0}}


# What is left out, and counted


@pytest.mark.parametrize(
    ("parts", "message", "kept"),
    [
        (
            {"qrels": QRELS + "q2\td-gone\t1\n"},
            r"documents that are not there: 1 \(.*line 4: 'd-gone'",
            JUDGED,
        ),
        (
            {"qrels": QRELS + "PLAIN-2\td1\t1\n"},
            r"queries that are not there: 1 \(.*line 4: 'PLAIN-2'",
            JUDGED,
        ),
        (
            {"corpus": with_document(_id="d4", title="", text="")},
            r"without text: 1 \(.*corpus\.jsonl, line 4",
            JUDGED,
        ),
        (
            {"corpus": with_document(_id="d4", title="\u200b", text="\u2800 ")},
            "documents without text: 1",
            JUDGED,
        ),
        ({"queries": [*QUERIES, {"_id": "q3", "text": ""}]}, r"queries without text: 1 \(.*line 3", JUDGED),
        (
            {"corpus": [*DOCUMENTS, DOCUMENTS[0]]},
            r"there a second time: 1 \(it is .*corpus\.jsonl, line 4",
            JUDGED,
        ),
        (
            {"queries": [*QUERIES, QUERIES[0]]},
            r"there a second time: 1 \(it is .*queries\.jsonl, line 3",
            JUDGED,
        ),
        ({"corpus": DOCUMENTS[:1]}, "documents that are not there: 1", {"q1": {"d1": 2}}),
    ],
)
def test_what_is_left_out_is_counted_in_one_warning(collection, parts, message, kept):
    folder = collection(**parts)
    with pytest.warns(UserWarning, match=message) as caught:
        corpus = load_corpus(folder)
    (warning,) = caught
    assert corpus.qrels == kept and warning.filename == __file__
    assert list(corpus.queries) == ["q1", "q2"] and "" not in {c.text for c in corpus.documents.values()}


def test_a_document_that_is_only_a_title(collection):
    corpus = load_corpus(collection(with_document(_id="d4", title="Outbreak report", text="")))
    assert corpus.documents["d4"] == Chunk("d4", "Outbreak report")


def test_grades_below_zero_and_as_fractions_of_one(collection):
    qrels = HEADER + "q1\td1\t2.0\nq1\td2\t-1\nq2\td2\t1.0\nq2\td3\t-2.0\n"
    corpus = load_corpus(collection(qrels=qrels))
    assert corpus.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1, "d3": 0}} and corpus.relevant == 2


# What is refused, with the line and the remedy


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"qrels": QRELS + "q1\td1\t1\n"},
            r"test\.tsv, line 4: 'd1' has the grade 1 .* line 2 gives it 2\. Delete",
        ),
        ({"qrels": HEADER + "a\tb\t2\n"}, r"No judgement is .*test\.tsv, line 2: 'a'.*the same ids"),
        ({"qrels": HEADER + "q1\tD1\t2\n"}, r"line 2: 'D1'"),
        (
            {"corpus": with_document(_id="d1", text="other")},
            r"corpus\.jsonl, line 4: .*'d1' .* line 1 has another",
        ),
        ({"corpus": with_document(_id="d4", text=5)}, r"corpus\.jsonl, line 4: \"text\" is .* int"),
        ({"corpus": with_document(_id="d4", text=["a"])}, r"corpus\.jsonl, line 4: \"text\" is .* list"),
        (
            {"corpus": '{"_id": "d", "text": "half \\ud83d"}\n'},
            r"corpus\.jsonl, line 1: .* half a character.*Replace",
        ),
        ({"queries": '\n{"_id": "d", "text": "\\udc00"}\n'}, r"queries\.jsonl, line 2: .* half a character"),
        ({"corpus": ""}, r"corpus\.jsonl holds no document with text"),
        ({"corpus": "[" + lines(DOCUMENTS)}, r"corpus\.jsonl, line 1 is not JSON"),
        ({"corpus": lines(DOCUMENTS).encode("utf-16")}, r"corpus\.jsonl is not UTF-8 text.*Save it as UTF-8"),
    ],
)
def test_what_is_refused(collection, parts, message):
    with pytest.raises(CorpusError, match=message):
        load_corpus(collection(**parts))


# Splits and folders


def test_another_split(collection):
    folder = collection(qrels=HEADER + "q1\td3\t1\n", qrels_file="qrels/train.tsv")
    collection()
    assert load_corpus(folder, split="train").qrels == {"q1": {"d3": 1}}
    assert load_corpus(folder).qrels == JUDGED
    for wrong in ("dev", "Train", "", "..", "../qrels/test", "test.tsv", "test.texts"):
        with pytest.raises(CorpusError, match="It has: test, train. Choose one, for example --split test"):
            load_corpus(folder, split=wrong)


@pytest.mark.parametrize("packed", [False, True])
def test_a_collection_without_this_split_names_those_that_are_there(collection, packed):
    folder = collection(qrels_file="qrels/dev.tsv", packed=packed)
    with pytest.raises(CorpusError, match=r"no judgements of the split 'test'.* It has: dev"):
        load_corpus(folder)
    assert load_corpus(folder, split="dev").qrels == JUDGED


def test_a_collection_that_nobody_judged(collection):
    folder = collection()
    (folder / "qrels" / "test.tsv").unlink()
    assert load_corpus(folder).qrels == {} and len(load_corpus(folder).queries) == 2
    with pytest.raises(CorpusError, match="split 'dev'.* It has: no judgements at all"):
        load_corpus(folder, split="dev")
    (folder / "queries.jsonl").unlink()
    assert load_corpus(folder).queries == {} and judgements_folder(folder) == folder


def test_judgements_without_queries_are_refused(collection):
    folder = collection()
    (folder / "queries.jsonl").unlink()
    with pytest.raises(CorpusError, match=r"holds judgements, but .*queries\.jsonl is missing"):
        load_corpus(folder)


def test_a_folder_of_collections_names_some(collection, tmp_path):
    folder = collection()
    for name in ("android", "english", "gaming", "gis", "mathematica", "physics", "unix"):
        (tmp_path / "cqadupstack").mkdir(exist_ok=True)
        (tmp_path / "cqadupstack" / name).mkdir()
        (tmp_path / "cqadupstack" / name / "corpus.jsonl").write_bytes((folder / "corpus.jsonl").read_bytes())
    (tmp_path / "cqadupstack" / "README.md").write_text("About this.", encoding="utf-8")
    message = (
        "a folder of collections: android, english, gaming, gis, mathematica and 2 more. Pass one of them"
    )
    with pytest.raises(CorpusError, match=message):
        load_corpus(tmp_path / "cqadupstack")
    assert load_corpus(tmp_path / "cqadupstack" / "gis").name == "gis"


def test_an_archive_is_to_be_unpacked(file):
    for name in ("scifact.zip", "scifact.tar.gz", "texts.csv.zip"):
        with pytest.raises(CorpusError, match="is an archive. Unpack it"):
            load_corpus(file(name, b"PK\x03\x04"))


# As each of the public collections is known to be


def document(name, text="Some words.", title="", **more):
    return {"_id": name, "title": title, "text": text, **more}


PUBLIC = {
    "msmarco": ([document("0"), document("7067032")], "1048585", [("7067032", "1")], 1),
    "trec-covid": (
        [
            document("ug7v899j", title="T", metadata={"url": "", "pubmed_id": ""}),
            document("02tnwd4m", "", "Only a title"),
        ],
        "1",
        [("ug7v899j", "2"), ("02tnwd4m", "-1")],
        2,
    ),
    "nfcorpus": ([document("MED-10", title="T", metadata={"url": "u"})], "PLAIN-2", [("MED-10", "1")], 1),
    "bioasq": ([document("15858239", title="T")], "55031181e9bde69634000014", [("15858239", "1")], 1),
    "nq": ([document("doc0", title="Minority interest", metadata={})], "test0", [("doc0", "1")], 1),
    "hotpotqa": ([document("12", title='"K" Is for Killer')], "5a8b57f25542995d1e6f1371", [("12", "1")], 1),
    "fiqa": ([document("3", metadata={})], "4641", [("3", "1")], 1),
    "signal1m": ([document("0d7edcff-a8a6-4f5d", metadata=None)], "a1", [("0d7edcff-a8a6-4f5d", "2")], 2),
    "trec-news": ([document("b2e89334-33f9-11e1", title=None)], "321", [("b2e89334-33f9-11e1", "16")], 2),
    "robust04": ([document("FBIS3-10082", title=None)], "301", [("FBIS3-10082", "1")], 1),
    "arguana": (
        [document("test-law-cppshbcjsfm-con01a"), document("test-law-cppshbcjsfm-pro01a")],
        "test-law-cppshbcjsfm-pro01a",
        [("test-law-cppshbcjsfm-con01a", "1")],
        1,
    ),
    "webis-touche2020": (
        [document("c67482ba-2019-04-18T13:32:05Z-00000-000", metadata={"stance": "PRO", "url": "u"})],
        "1",
        [("c67482ba-2019-04-18T13:32:05Z-00000-000", "2.0")],
        2,
    ),
    "cqadupstack-gis": (
        [document("2001", title="T", metadata={"tags": ["a"]})],
        "117109",
        [("2001", "1")],
        1,
    ),
    "quora": ([document("1", metadata={}), document("8", metadata={})], "5", [("8", "1")], 1),
    "dbpedia-entity": (
        [document("<dbpedia:Animalia_(book)>", title="T"), document("<dbpedia:Café>", title="T")],
        "INEX_LD-20120112",
        [("<dbpedia:Animalia_(book)>", "0"), ("<dbpedia:Café>", "2")],
        2,
    ),
    "scidocs": (
        [
            document(
                "632589828c8b9fca2c3a59e97451fde8fa7d188d",
                title="T",
                metadata={"cited_by": [], "pid": 5, "year": None},
            )
        ],
        "78495383450e02c5fe817e408726134b3084905d",
        [("632589828c8b9fca2c3a59e97451fde8fa7d188d", "1")],
        1,
    ),
    "fever": (
        [document("1928_in_association_football"), document('"Ö"_(x),_"y"')],
        "163803",
        [('"Ö"_(x),_"y"', "1")],
        1,
    ),
    "climate-fever": (
        [document("Habitat_destruction,_\\-LRB-")],
        "0",
        [("Habitat_destruction,_\\-LRB-", "1")],
        1,
    ),
    "scifact": ([document("4983", title="T", metadata={})], "1", [("4983", "1")], 1),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_collections_forms(collection, name):
    documents, query, judged, relevant = PUBLIC[name]
    target = io.StringIO()
    rows = csv.writer(target, delimiter="\t", lineterminator="\r\n")
    rows.writerows([["query-id", "corpus-id", "score"], *([query, *row] for row in judged)])
    queries = [{"_id": query, "text": "Which?", "metadata": {"query_link": [], "12": [{"sentences": [0]}]}}]
    corpus = load_corpus(collection(documents, queries, target.getvalue()))
    assert list(corpus.documents) == [row["_id"] for row in documents]
    assert corpus.qrels == {query: {name: max(int(float(grade)), 0) for name, grade in judged}}
    assert corpus.relevant == relevant


# Large ones


def test_fifty_thousand_documents_in_little_memory(tmp_path):
    text = "word " * 150
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as target:
        target.writelines(
            json.dumps(document(f"d{i}", f"{i} {text}", f"T {i}")) + "\n" for i in range(50_000)
        )
    (tmp_path / "queries.jsonl").write_text(lines(document(f"q{i}") for i in range(500)), encoding="utf-8")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(
        "".join(f"q{i % 500}\td{i}\t1\n" for i in range(50_000)), "utf-8"
    )
    program = (
        "import sys, tracemalloc; from rerank_course.texts.corpora import load_corpus; tracemalloc.start(); "
        "corpus = load_corpus(sys.argv[1]); judged = sum(map(len, corpus.qrels.values())); "
        "print(len(corpus.documents), judged, tracemalloc.get_traced_memory()[1] // 2**20)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True
    )
    count, judged, megabytes = map(int, done.stdout.split())
    assert (count, judged) == (50_000, 50_000) and megabytes < 300, megabytes
