"""The page: what stands on it, that it is well made, and that nothing of anybody's texts can break it."""

import dataclasses
import re

import numpy as np
import pytest

from rerank_course.report.measured import Measured
from rerank_course.report.page import page_of, write_report
from rerank_course.report.setting import Setting
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus
from rerank_course.texts.files import CorpusError
from tests.report.made import Page, collection, measured, run
from tests.support.browser import ARTEFACTS, launch_chromium, needs_chromium

SETTING = Setting("mini", "int8", 3.0, 240)
FIRST, THEN = [5, 1, 9] * 8, [2, 1, 0] * 8
NASTY = (
    "<script>alert(1)</script>",
    "\"quotes\" & 'more' </title></style></svg>",
    "\u202eturned\u2067 שלום",
    "nul\x00 esc\x1b half\ud800",
    "long" * 500,
    "",
    "{{ 7 * 7 }}{% raw %}",
    "]]> --> <!--",
)


def page(found: Measured, setting: Setting = SETTING) -> Page:
    """The page, taken apart, after what any page must hold."""
    text = page_of(found, setting)
    taken = Page(text)
    assert taken.faults == []
    assert_well_made(taken)
    assert_stands_alone(text, taken)
    return taken


def assert_well_made(taken: Page) -> None:
    assert taken.all("html")[0][1]["lang"] == "en-GB" and len(taken.texts("title")) >= 1
    levels = [int(tag[1]) for tag, _, _ in taken.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    assert len(taken.all("table")) == len(taken.all("caption"))
    assert all(attributes.get("scope") for _, attributes, _ in taken.all("th"))
    ids = [attributes["id"] for _, attributes, _ in taken.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = " ".join(a["aria-labelledby"] for _, a, _ in taken.elements if "aria-labelledby" in a).split()
    assert set(named) <= set(ids)
    for _, attributes, _ in taken.all("svg"):
        assert attributes["role"] == "img" and attributes["aria-labelledby"]


def assert_stands_alone(text: str, taken: Page) -> None:
    assert not taken.all("script") and not taken.all("link") and not taken.all("img") and not taken.all("a")
    for tag, attributes, _ in taken.elements:
        assert not {"src", "href", "style"} & attributes.keys(), tag
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text and "@import" not in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"] * len(taken.all("svg"))


# What stands on it


@pytest.fixture(scope="module")
def whole():
    corpus = collection(24, kinds=["easy", "hard", "hard"])
    return page(measured(corpus, BM25=FIRST, dense=THEN, BM25_5=THEN, BM25_9=[1] * 24, dense_5=THEN))


def test_the_advice_stands_on_top(whole):
    assert whole.texts("p", **{"class": "headline"})[0].startswith(
        "Rerank the first 9 of BM25: nDCG@10 1.000"
    )
    assert whole.texts("h2")[0] == "What to do"


def test_the_table_of_all_systems(whole):
    rows = whole.table("Means over 24 queries")
    assert rows[0][:2] == ["system", "nDCG@10"] and len(rows) == 6
    assert rows[1][:2] == ["BM25", "0.563"] and re.fullmatch(r"0\.\d{3} to 0\.\d{3}", rows[1][2])
    assert [row[0] for row in rows[1:]] == [
        "BM25",
        "BM25 + rerank 5",
        "BM25 + rerank 9 (advised)",
        "dense",
        "dense + rerank 5",
    ]


def test_the_table_and_the_chart_of_differences(whole):
    rows = whole.table("nDCG@10 of each reranked system")
    assert [row[0] for row in rows[2:]] == ["BM25 + rerank 5", "BM25 + rerank 9", "dense + rerank 5"]
    assert rows[-1][4:] == ["0.000", "0.000 to 0.000", "nothing"]
    (chart,) = whole.all("svg", **{"class": "intervals"})
    assert "dense + rerank 5" in chart[2]


def test_what_depth_costs(whole):
    rows = whole.table("Each depth against the next")
    assert rows[1] == ["BM25", "0.563", "–", "–", "–", "0", "–"]
    assert rows[2][5:] == ["5", "0.062 s"] and rows[3][5:] == ["9", "0.11 s"]
    assert "240 pairs took 3 s on this machine, so 0.013 s each" in " ".join(whole.texts("p"))


def test_costs_that_are_not_known_are_said_to_be_so():
    taken = page(measured(BM25=FIRST, BM25_5=THEN), Setting("mini", "torch"))
    assert taken.table("Each depth")[0][-1] == "pairs a query"
    assert "How long one takes here was not measured." in " ".join(taken.texts("p"))


def test_results_by_kind_with_their_counts_and_a_warning(whole):
    rows = whole.table("Mean nDCG@10 by kind")
    assert [row[:2] for row in rows[1:]] == [["hard", "16"], ["easy", "8"]]
    assert rows[0][2:] == ["BM25", "BM25 + rerank 9", "dense", "dense + rerank 5"]
    assert "A group of fewer than 20 queries says little" in " ".join(whole.texts("p"))


def test_without_kinds_there_is_no_section_for_them():
    assert "By kind of query" not in page(measured(BM25=FIRST, BM25_5=THEN)).texts("h2")


def test_many_kinds_show_the_largest():
    corpus = collection(40, kinds=[f"kind {n}" for n in range(40)])
    taken = page(measured(corpus, BM25=[2] * 40, BM25_5=[1] * 40))
    assert len(taken.table("Mean nDCG@10 by kind")) == 1 + 25
    assert "The 25 largest groups are shown; 15 more are in what --json gives." in " ".join(taken.texts("p"))


def test_queries_won_and_lost_side_by_side():
    taken = page(measured(BM25=[1, 9, 5, 4] * 6, BM25_10=[2, 1, 5, 0] * 6))
    assert "raised nDCG@10 in 6 queries, lowered it in 12, and left it as it was in 6" in " ".join(
        taken.texts("p")
    )
    stories = taken.texts("details")
    assert len(stories) == 10 and stories[0].startswith("+0.699 question q1 (0.301 → 1.000; q1)")
    assert stories[5].startswith("−0.431 question q3 (0.431 → 0.000; q3)")
    assert "grade 2, relevant · place before: 9 a1 title of a1 text of a1" in stories[0]
    assert "grade 2, relevant · place after: not found a3 title of a3" in stories[5]
    assert "grade 0 · place after: 1 d1" in stories[5]


def test_documents_that_nobody_judged_are_called_so():
    taken = page(measured(collection(3, judged=1), BM25=[3, 1, 1], BM25_10=[1, 1, 1]))
    assert "not judged · place after: 2 d1" in taken.texts("details")[0]


def test_what_was_measured(whole):
    facts = dict(zip(whole.texts("dt"), whole.texts("dd")))
    assert facts["Collection"] == "made, 33 documents" and facts["Queries"].startswith(
        "24 of 24 have an answer"
    )
    assert facts["Relevant"].startswith("from grade 2 on") and facts["Model"] == "mini, int8"
    assert facts["Date"].endswith("UTC") and "ir-measures" in facts["Versions"]
    assert "10,000 times" in facts["Intervals"] and "at least 6 queries differ" in facts["More than chance"]


# Edges


@pytest.mark.parametrize(
    "systems",
    [
        {"BM25": [1]},
        {"BM25": [0], "BM25_10": [0]},
        {"BM25": [1, 2, 3], "BM25_10": [1, 2, 3]},
        {"BM25": [4] * 30, "BM25_10": [4] * 30, "BM25_100": [4] * 30},
        {"my run (2).txt": [4] * 30, "my run (2).txt_50": [1] * 30},
        {f"stage {n}": [n + 1] * 21 for n in range(9)} | {"stage 3_7": [1] * 21},
        {"BM25": [4] * 30} | {f"BM25_{depth}": [depth % 9 + 1] * 30 for depth in range(1, 30)},
    ],
)
def test_any_evaluation_gives_a_page(systems):
    page(measured(**systems))


def test_a_query_for_which_nothing_was_found():
    runs = {"BM25": run([1, 2, 3]) | {"q1": []}, "BM25 + rerank 5": run([1, 1, 1])}
    del runs["BM25 + rerank 5"]["q2"]
    taken = page(Measured(collection(3), runs))
    assert taken.table("Means over 3")[1][0] == "BM25 found nothing for 1 query"
    assert "It found nothing." in taken.texts("p", **{"class": "muted"})


def test_a_document_that_is_not_in_the_collection_any_more():
    runs = {"BM25": {"q0": [("gone", 2.0), ("a0", 1.0)]}, "BM25 + rerank 5": run([1])}
    assert "gone (not in the collection)" in " ".join(page(Measured(collection(1), runs)).texts("details"))


def test_grades_of_one_only():
    corpus = collection(24)
    grades = {
        query: dict.fromkeys(judged, 0) | {"a" + query[1:]: 1} for query, judged in corpus.qrels.items()
    }
    taken = page(measured(dataclasses.replace(corpus, qrels=grades, relevant=1), BM25=FIRST, BM25_5=THEN))
    assert "grade 1, relevant" in " ".join(taken.texts("details"))
    assert dict(zip(taken.texts("dt"), taken.texts("dd")))["Relevant"].startswith("from grade 1 on")


def nasty_evaluation() -> Measured:
    """Every text and every name is one that could break a page.

    Half a character stands only where one can get to: in a document, and in the name of a file.
    """
    texts = [text.replace("\ud800", "") for text in NASTY]
    ids = [f"{text}{number}".replace("\0", "") for number, text in enumerate(texts)]
    documents = {name: Chunk(name, text, text) for name, text in zip(ids, NASTY)}
    corpus = Corpus(
        NASTY[0],
        documents,
        dict(zip(ids, texts)),
        {query: dict.fromkeys(ids[:2], 2) for query in ids},
        dict(zip(ids, reversed(texts))),
        2,
    )
    ranking = [(document, 1.0) for document in ids]
    runs = {
        name: {query: ranking if number % 2 else ranking[::-1] for number, query in enumerate(ids)}
        for name in NASTY
    }
    reranked = {f"{name} + rerank 5": dict.fromkeys(ids, ranking) for name in NASTY}
    return Measured(corpus, runs | reranked)


def test_no_text_and_no_name_can_break_the_page():
    found, setting = nasty_evaluation(), Setting(NASTY[1], NASTY[2], 1.0, 10)
    text = page_of(found, setting)
    page(found, setting)
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "{{ 7 * 7 }}" in text and "49" not in "".join(Page(text).texts("h4"))
    assert max(map(len, re.findall(r"\w+", text))) < 300


def test_five_hundred_queries_make_a_page_of_less_than_two_megabytes():
    draw = np.random.default_rng(0)
    corpus = collection(500, kinds=[f"kind {n}" for n in range(60)])
    long = {name: Chunk(name, "słowo " * 5000, "title " * 200) for name in corpus.documents}
    stages = {name: draw.integers(0, 11, 500).tolist() for name in ("BM25", "dense")}
    deep = {f"{name}_{depth}": draw.integers(0, 9, 500).tolist() for name in stages for depth in (10,)}
    found = measured(dataclasses.replace(corpus, documents=long), **stages, **deep)
    assert len(page_of(found, SETTING).encode()) < 300_000


# The file


def test_the_file_is_whole_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "new folder" / "my report.html"
    for backend in ("torch", "int8"):
        runs = {"BM25": run(FIRST), "BM25 + rerank 5": run(THEN)}
        write_report(path, collection(24), runs, model="mini", backend=backend, seconds=2, pairs=10)
        assert f"mini, {backend}" in path.read_text(encoding="utf-8")
    assert [file.name for file in path.parent.iterdir()] == ["my report.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match=r"report\.html cannot be written"):
        write_report(
            tmp_path / "file" / "report.html", collection(1), {"a": run([1])}, model="mini", backend="int8"
        )


# In a browser


@pytest.mark.heavy
@needs_chromium
def test_it_opens_from_a_file_in_both_themes_and_on_a_telephone(tmp_path):
    path = tmp_path / "odd name #1 %20.html"
    path.write_text(page_of(nasty_evaluation(), SETTING), encoding="utf-8")
    asked, said, grounds = [], [], {}
    with launch_chromium() as browser:
        for scheme, width in (("light", 1100), ("dark", 1100), ("light", 380)):
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("console", lambda message: said.append(message.text))
            tab.on("dialog", lambda dialog: said.append(dialog.message))
            tab.goto(path.as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            grounds.setdefault(scheme, ground)
            ARTEFACTS.mkdir(exist_ok=True)
            tab.screenshot(path=ARTEFACTS / f"report-{scheme}-{width}.png", full_page=True)
    assert grounds["light"] == "rgb(255, 255, 255)" != grounds["dark"]
    assert asked == [path.as_uri()] * 3 and said == []
