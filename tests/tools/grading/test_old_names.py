"""Hand-ins of version 0.1 find today's modules."""

import importlib

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools.grading.old_names import MOVED, PACKAGE, new_grade_id, new_module, with_new_names

TARGETS = sorted({module for homes in MOVED.values() for module in homes})
NAMES = sorted(
    (f"{PACKAGE}.{old}", name)
    for old, homes in MOVED.items()
    for names in homes.values()
    for name in names.split()
)


@pytest.mark.heavy  # some of them import torch
@pytest.mark.parametrize("module", TARGETS)
def test_every_new_module_is_there(module):
    importlib.import_module(f"{PACKAGE}.{module}")


@pytest.mark.heavy  # some of them import torch
@pytest.mark.parametrize(("old", "name"), NAMES)
def test_every_name_that_moved_is_where_the_table_says(old, name):
    module = importlib.import_module(new_module(old, name))
    assert hasattr(module, name), (old, name, module.__name__)


@pytest.mark.heavy
def test_the_names_that_lessons_and_exercises_once_used_are_found():
    """The first house's public functions, in modules whose names went to one place."""
    used = {
        "corpora": "load_corpus",
        "packaged": "reranker_folder embedder_folder",
        "fast": "Int8Reranker int8_folder",
        "recorded": "RecordedReranker",
        "beir": "Corpus read_beir",
        "occlusion": "word_importance",
        "timing": "compare_times",
        "cost": "PairCost Machine fit_pair_cost plan",
        "doctor": "run_doctor",
        "progress": "show_progress remember forget",
        "fetch": "fetch_models",
        "models": "load_reranker load_embedder CATALOGUE",
        "hosted": "CohereReranker FallbackWarning",
        "retrieve": "BM25Retriever DenseRetriever HybridRetriever fuse",
        "quantise": "calibration_pairs",
        "pandas_docs": "load_pandas_docs",
        "checks.ex02": "check_build_pairs check_place_of_answer",
        "checks.ex03": "check_best_first check_bad_scores",
        "checks.ex04": "check_reciprocal_rank check_decide",
        "checks.ex05": "check_load_models check_two_cases",
        "checks.ex06": "check_count_tokens check_best_window",
        "checks.ex07": "check_connect check_rerank_with_fallback",
    }
    for old, names in used.items():
        for name in names.split():
            module = importlib.import_module(new_module(f"{PACKAGE}.{old}", name))
            assert hasattr(module, name), (old, name)


def rewritten(*sources):
    cells = [new_code_cell(source) for source in sources]
    with_new_names(cells)
    return [cell.source for cell in cells]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "from rerank_course.checks.ex05 import check_load_models",
            "from rerank_course.checks.cosine_comparison import check_load_models",
        ),
        (
            "from rerank_course.own_texts import read_documents, chunk_text as cut",
            (
                "from rerank_course.texts.documents import read_documents; "
                "from rerank_course.texts.sections import chunk_text as cut"
            ),
        ),
        (
            "from rerank_course.judge import (\n    Judgements,  # é\n    pool,\n    judge_in_notebook,\n)",
            (
                "from rerank_course.texts.judgements import Judgements; "
                "from rerank_course.texts.judging import pool; "
                "from rerank_course.texts.judging_notebook import judge_in_notebook"
            ),
        ),
        ("from rerank_course import corpora", "import rerank_course.texts.corpora as corpora"),
        ("import rerank_course.timing", "import rerank_course.lab.timing"),
        ("import os, rerank_course.timing as t", "import os; import rerank_course.lab.timing as t"),
        (
            "    %%time\nfrom rerank_course.cost import plan",
            "    %%time\nfrom rerank_course.cost import plan",
        ),
        ("%%time\nfrom rerank_course.cost import plan", "%%time\nfrom rerank_course.lab.cost import plan"),
        (
            "def f():\n    !ls\n    from rerank_course.cost import plan",
            "def f():\n    !ls\n    from rerank_course.lab.cost import plan",
        ),
        (
            "from rerank_course.models import load_reranker, why_no_hub",
            "from rerank_course.models import load_reranker; from rerank_course.engine.hub import why_no_hub",
        ),
    ],
)
def test_an_import_gets_todays_names(old, new):
    assert rewritten(old) == [new]


def test_a_module_under_a_name_of_the_students_own():
    first, second = rewritten(
        "é = 1; import rerank_course.plots as p",
        "p.draw_lines({}); p.slope_chart(p.PIECES); other.slope_chart()",
    )
    assert first == (
        "é = 1; import rerank_course.lab.charts as p; "
        "import rerank_course.lab.colours; import rerank_course.lab.diagrams"
    )
    assert second == (
        "p.draw_lines({}); "
        "rerank_course.lab.diagrams.slope_chart(rerank_course.lab.colours.PIECES); other.slope_chart()"
    )


def test_a_module_under_its_full_name():
    assert rewritten("import rerank_course.checks.ex06\nrerank_course.checks.ex06.check_cut_windows(f)") == [
        "import rerank_course.checks.long_document\nrerank_course.checks.long_document.check_cut_windows(f)"
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import rerank_course.models as m\nm.load_reranker()",
        "from rerank_course.models import (\n    load_embedder,\n    load_reranker,\n)",
        "from rerank_course.checks.cosine_comparison import check_load_models",
        "import judge, plots\nfrom timing import compare_times\nfrom . import corpora",
        "this is no Python: from rerank_course.judge import pool",
        "'from rerank_course.judge import pool'",
        "\ud800",
    ],
)
def test_what_names_nothing_that_has_moved_stays_as_it_is(source):
    assert rewritten(source) == [source]


def test_words_stay_as_they_are():
    cell = new_markdown_cell("from rerank_course.judge import pool")
    with_new_names([cell])
    assert cell.source == "from rerank_course.judge import pool"


def test_a_grade_id_loses_its_number():
    assert new_grade_id("ex05-load-models") == "load-models"
    assert new_grade_id("load-models") == "load-models"
