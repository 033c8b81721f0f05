"""Lessons and an exercise run in JupyterLab, with a mouse and a keyboard.

Screenshots of whole notebooks are kept in test-artefacts/browser/.
"""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from rerank_course.lab.explorers.pair_scorer import score_pair
from rerank_course.lab.explorers.query_comparer import compare_query
from tests.browser.pages import (
    changed,
    code_cell,
    faults,
    keep_screenshot,
    open_notebook,
    run_all,
    run_cell,
    type_into,
    write_notebook,
)
from tests.support import ROOT
from tests.support.browser import needs_chromium
from tools.build.outline import read_outline
from tools.build.sources import hide_predicted

pytestmark = [needs_chromium, pytest.mark.heavy]
OUTLINE = read_outline()


def test_the_first_lesson_opens_by_itself_and_gives_the_first_ranking(lab, page):
    first = OUTLINE.lesson("start_here")
    assert first is OUTLINE.lessons[0]
    open_notebook(page, lab, f"notebooks/{first.file}", lab.address())
    run_all(page)
    assert "All checks are OK." in code_cell(page, "run_doctor").inner_text()
    shown = code_cell(page, "by_reranker = rerank_documents").locator(".jp-OutputArea")
    *ranking, guessed = shown.inner_text().splitlines()
    scores = [float(line.split()[0]) for line in ranking]
    assert (
        "up to $500 without pre-approval" in ranking[0]
        and len(scores) == 3
        and scores == sorted(scores, reverse=True)
    )
    assert guessed.endswith("Your guess: none yet.")
    assert faults(page) == []
    keep_screenshot(page, "start_here-run")


def test_a_result_is_closed_until_one_runs_its_cell_and_a_guess_is_kept(lab, page):
    texts = ("**Predict.** How many?", "guess('apples')", "print('there are', 5)", "apples.beside(5)")
    cells = [nbformat.v4.new_markdown_cell(texts[0])]
    cells += [
        nbformat.v4.new_code_cell(f"from rerank_course.lab.guess import guess\napples = {texts[1]}"),
        nbformat.v4.new_code_cell(f"{texts[2]}\n{texts[3]}"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    hide_predicted(notebook)
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text="there are 5\n")]
    write_notebook(lab, "guessing", notebook.cells)
    open_notebook(page, lab, "notebooks/guessing.ipynb", opened=False)
    result = code_cell(page, "apples.beside(5)")
    assert result.locator(".jp-OutputArea-output").count() == 0
    guessing = code_cell(page, "guess('apples')")
    run_cell(page, guessing)
    type_into(page, guessing.locator("input"), "3")
    expect(guessing).to_contain_text("Kept: 3")
    run_cell(page, result)
    expect(result.locator(".jp-OutputArea-output").first).to_contain_text("there are 5")
    expect(result).to_contain_text("Your guess: 3")
    keep_screenshot(page, "guess")


def open_cells(page, lab, lesson, *texts):
    """Open those cells of a lesson that hold one of the texts: the rest of it is run by nbval."""
    cells = nbformat.read(ROOT / "notebooks" / OUTLINE.lesson(lesson).file, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code" and any(text in cell.source for text in texts)]
    write_notebook(lab, lesson, [nbformat.v4.new_markdown_cell(f"# {lesson}"), *code])
    open_notebook(page, lab, f"notebooks/{lesson}.ipynb")


def test_scoring_pairs_scores_what_one_types(lab, page, reranker):
    needed = ("reranker = load", "logit = guess(", "query = ", "chunk = ", "pair_scorer(reranker")
    open_cells(page, lab, "scoring_pairs", *needed)
    run_all(page)
    explorer = code_cell(page, "pair_scorer(reranker")
    shown, cells = explorer.locator(".widget-html-content"), page.locator(".jp-Cell").count()
    before = shown.inner_text()

    # Letters that are commands to JupyterLab when no text box has the focus: a, b and d d insert and delete
    # cells.
    query, document = "Who adds a dd to a bad bill?", "A bill with a dd was added by the cook."
    type_into(page, explorer.locator("input"), query)
    half = changed(shown, before)
    type_into(page, explorer.locator("textarea"), document)
    text = changed(shown, half)
    expected = score_pair(query, document, reranker)
    assert float(re.search(r"logit (-?[\d.]+)", text).group(1)) == pytest.approx(expected["logit"], abs=0.02)
    assert float(re.search(r"sigmoid ([\d.]+)", text).group(1)) == pytest.approx(
        expected["sigmoid"], abs=0.01
    )
    assert f"{expected['tokens']} tokens of at most 512" in text

    type_into(page, explorer.locator("textarea"), " ")
    assert "The document is empty. Type some text" in changed(shown, text)
    assert page.locator(".jp-Cell").count() == cells and faults(page) == []
    keep_screenshot(page, "scoring_pairs-run")


def ranks(explorer):
    """{document: (cosine rank, cross-encoder rank)} as the table of the explorer shows them."""
    heads, *rows = explorer.locator("tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    table = [dict(zip(heads, row)) for row in rows]
    return {row["text"]: (int(row["cosine rank"]), int(row["cross-encoder rank"])) for row in table}


def test_cosine_vs_cross_encoder_ranks_by_what_one_types(lab, page, reranker, embedder):
    needed = ("reranker = load", "query = ", "texts = ", "query_comparer(texts")
    open_cells(page, lab, "cosine_vs_cross_encoder", *needed)
    run_all(page)
    explorer = code_cell(page, "query_comparer(texts")
    shown = explorer.locator(".widget-html-content")
    before, first = shown.inner_text(), ranks(explorer)

    query = "When does the pool close on Sunday?"
    type_into(page, explorer.locator("input"), query)
    text, second = changed(shown, before), ranks(explorer)
    assert all(
        [first[document][model] for document in first] != [second[document][model] for document in first]
        for model in (0, 1)
    )

    explorer.locator("textarea").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nOn Sunday the pool closes at six.")
    page.keyboard.press("Tab")
    changed(shown, text)
    documents = [*dict.fromkeys(explorer.locator("textarea").input_value().splitlines())]
    expected = compare_query(query, documents, reranker, embedder)
    assert ranks(explorer) == {
        row["text"]: (row["cosine rank"], row["cross-encoder rank"]) for _, row in expected.iterrows()
    }
    assert ranks(explorer)["On Sunday the pool closes at six."] == (1, 1)
    assert faults(page) == []
    keep_screenshot(page, "cosine_vs_cross_encoder-run")


CHOOSE_A_MODEL = """
from rerank_course.lab.explorers.model_chooser import model_chooser

model_chooser(0.05)
"""
CHANGE_THE_LENGTH = """
from rerank_course.lab.explorers.length_explorer import length_explorer
from rerank_course.models import load_reranker

document = "Nothing to see in this sentence. " * 30 + "The answer is blue."
length_explorer("Which colour is it?", document, load_reranker(backend="int8"), "blue")
"""


def test_the_model_chooser_and_the_length_explorer(lab, page):
    """On a page of their own: what their lessons compute before them takes a minute."""
    code = map(nbformat.v4.new_code_cell, (CHOOSE_A_MODEL.strip(), CHANGE_THE_LENGTH.strip()))
    write_notebook(lab, "explorers", [nbformat.v4.new_markdown_cell("# Explorers"), *code])
    open_notebook(page, lab, "notebooks/explorers.ipynb")
    run_all(page)
    chooser, length = code_cell(page, "model_chooser(0.05)"), code_cell(page, "length_explorer(")

    shown = chooser.locator(".widget-html-content")
    before = shown.inner_text()
    assert "True" in before
    chooser.locator("select").focus()
    page.keyboard.press("End")  # German
    text = changed(shown, before)
    assert "trained on en, not on de" in text and "True" not in text
    chooser.get_by_label("texts may go to a service").click()
    assert "True" in changed(shown, text)

    shown = length.locator(".widget-html-content")
    before = shown.inner_text()
    assert "The answer is read." in before and not length.locator("del").inner_text()
    length.locator(".noUi-handle").focus()
    page.keyboard.press("Home")  # the shortest
    assert "The answer is not read in full." in changed(shown, before)
    assert length.locator("del").inner_text().endswith("The answer is blue.")
    assert faults(page) == []
    keep_screenshot(page, "explorers-run")


def test_an_exercise_says_not_attempted_and_passes_with_the_solution(lab, page):
    name, part = OUTLINE.exercise("cosine_comparison").file, "def cross_encoder_ranking("
    solution = next(
        cell.source
        for cell in nbformat.read(ROOT / "solutions" / name, as_version=4).cells
        if part in cell.source
    )
    open_notebook(page, lab, f"exercises/{name}")
    answer, check = code_cell(page, part), code_cell(page, "import check_cross_encoder_ranking")

    run_cell(page, answer)
    run_cell(page, check)
    expect(check.locator(".jp-OutputArea")).to_contain_text("… Not attempted.")
    keep_screenshot(page, "cosine_comparison-untouched")

    page.evaluate("text => navigator.clipboard.writeText(text)", solution)
    answer.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+V")
    run_cell(page, answer)
    run_cell(page, check)
    expect(check.locator(".jp-OutputArea")).to_contain_text("✓ Right.")
    assert faults(page) == []
    keep_screenshot(page, "cosine_comparison-solved")
