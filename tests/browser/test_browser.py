"""The course in a real JupyterLab: what a learner sees and does, with a mouse and a keyboard, on a laptop's
screen and in both themes.

Screenshots of whole notebooks are kept in test-artefacts/browser/.
"""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from rerank_course.lab.explorers.pair_scorer import score_pair
from rerank_course.lab.explorers.query_comparer import compare_query
from tests.support.browser import ARTEFACTS, LAPTOP, ROOT, jupyterlab, launch_chromium, needs_chromium

pytestmark = needs_chromium
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
THEMES = {
    "dark": "JupyterLab Dark",
    "light": "JupyterLab Light",
}  # the light one last: JupyterLab remembers it for the other tests
MILLISECONDS = (
    240_000  # that anything may take: a busy machine is slow, and pytest ends a test after five minutes
)
PANEL = ".jp-NotebookPanel"
IS_DRAWN = """
counts => ['.jp-Notebook .jp-RenderedMarkdown', '.jp-Notebook .jp-OutputArea-output'].every((selector, number) => {
  const found = [...document.querySelectorAll(selector)];
  return found.length === counts[number] && found.every(element => element.childElementCount);
})
"""
# What must not be on a page, as a list of sentences. A table or a long line may scroll by itself; nothing
# else may be wider than its place. JupyterLab shows warnings and tracebacks in the same red box, and gives a
# picture without a text the text "Image".
FAULTS = r"""
async panel => {
  const outputs = [...panel.querySelectorAll('.jp-OutputArea-output')];
  const pictures = [...panel.querySelectorAll('.jp-Notebook img')];
  const report = (fault, elements) => elements.map(e => `${fault}: ${(e.textContent.trim() || e.outerHTML).slice(0, 100)}`);
  const isSeeThrough = picture => {
    const canvas = Object.assign(document.createElement('canvas'), {width: picture.naturalWidth, height: picture.naturalHeight});
    const context = canvas.getContext('2d');
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, 1, 1).data[3] < 255;
  };
  await Promise.all(pictures.map(picture => picture.decode().catch(() => null)));
  const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
  const wide = [...panel.querySelectorAll('.jp-RenderedMarkdown, .jp-OutputArea-output, .jp-OutputArea-output *, .jp-RenderedMarkdown *')]
    .filter(e => !e.closest('.slider-container'))  // a slider's handle hangs over its end
    .filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && !scrolls(e) && getComputedStyle(e).display !== 'inline');
  const notebook = panel.querySelector('.jp-WindowedPanel-outer');
  return [
    ...report('traceback', outputs.filter(output => /Traceback \(most recent call last\)/.test(output.textContent))),
    ...report('red box', outputs.filter(output => output.dataset.mimeType === 'application/vnd.jupyter.stderr')),
    ...report('raw progress bar', outputs.filter(output => /\d%\|/.test(output.textContent) || /\| *\d+\/\d+ \[/.test(output.textContent))),
    ...report('widget that is not there', outputs.filter(output => /Error displaying widget|Loading widget/.test(output.textContent))),
    ...report('picture without a text', pictures.filter(picture => ['', 'Image'].includes(picture.alt.trim()))),
    ...report('picture that does not load', pictures.filter(picture => !picture.naturalWidth)),
    ...report('picture that the dark theme shines through', pictures.filter(picture => picture.naturalWidth && isSeeThrough(picture))),
    ...report('wider than its place', wide.filter(e => !wide.some(other => other !== e && e.contains(other)))),
    ...report('notebook that scrolls sideways', notebook.scrollWidth > notebook.clientWidth ? [notebook] : []),
    ...report('page that scrolls sideways', document.documentElement.scrollWidth > innerWidth ? [document.body] : []),
  ];
}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with jupyterlab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def context():
    with launch_chromium() as browser:
        yield browser.new_context(viewport=LAPTOP, permissions=["clipboard-read", "clipboard-write"])


@pytest.fixture
def page(lab, context):
    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    expect.set_options(timeout=MILLISECONDS)
    yield page
    page.close()
    lab.tidy()


# What a person does


def open_notebook(page, lab, path, address=None):
    """Open it and wait until all that the file holds is drawn; what is not there yet could not be found
    faulty.
    """
    cells = nbformat.read(lab.course / path, as_version=4).cells
    page.goto(address or lab.address(path))
    page.wait_for_function(
        IS_DRAWN,
        arg=[
            sum(cell.cell_type == "markdown" for cell in cells),
            sum(len(cell.get("outputs", [])) for cell in cells),
        ],
    )


def wait_until_idle(page):
    """As the status bar says it. The sign in the tool bar says so too, even before there is a kernel."""
    page.wait_for_selector(".jp-StatusBar-TextItem:has-text('Python 3 (ipykernel) | Idle')")


def choose(page, menu, entry):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def run_all(page):
    """Run every cell, from cleared outputs, so that all that is then on the page comes from this run."""
    wait_until_idle(page)
    choose(page, "Edit", "Clear Outputs of All Cells")
    choose(page, "Run", "Run All Cells")
    page.wait_for_function(
        r"() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].every(prompt => /\[\d+\]/.test(prompt.textContent))"
    )
    wait_until_idle(page)


def code_cell(page, text):
    """The one code cell that holds this text."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".jp-InputArea", has_text=text))


def run_cell(page, cell):
    """Run one cell with the keyboard, and wait until it has a number that it did not have before."""
    wait_until_idle(page)
    prompt = cell.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    is_done = r"([prompt, before]) => prompt.textContent !== before && /\[\d+\]/.test(prompt.textContent)"
    page.wait_for_function(is_done, arg=[prompt.element_handle(), before])
    wait_until_idle(page)


def type_into(page, box, text):
    """Replace what a text box of an explorer holds, and leave it."""
    box.click()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Tab")


def changed(shown, before):
    """What an explorer shows as soon as it is no longer ``before``."""
    shown.page.wait_for_function(
        "([element, before]) => element.innerText !== before", arg=[shown.element_handle(), before]
    )
    return shown.inner_text()


def switch_theme(page, name):
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", THEMES[name])
    page.wait_for_selector(f"body[data-jp-theme-name='{THEMES[name]}']", state="attached")


# What a person sees


def faults(page):
    return page.locator(PANEL).evaluate(FAULTS)


def keep_screenshot(page, name):
    """The whole notebook in one picture, as wide as a laptop's screen."""
    (ARTEFACTS / "browser").mkdir(parents=True, exist_ok=True)
    beyond = page.locator(".jp-WindowedPanel-outer").evaluate(
        "notebook => notebook.scrollHeight - notebook.clientHeight"
    )
    page.set_viewport_size({**LAPTOP, "height": LAPTOP["height"] + beyond})
    page.screenshot(path=ARTEFACTS / "browser" / f"{name}.png")
    page.set_viewport_size(LAPTOP)


def headings(page):
    """[(level, text), …] as the notebook shows them."""
    found = (
        page.locator(".jp-RenderedMarkdown")
        .locator("h1, h2, h3, h4")
        .evaluate_all("all => all.map(h => [Number(h.tagName[1]), h.innerText])")
    )
    return [(level, text.rstrip("¶")) for level, text in found]


def heading_faults(found):
    """What makes a table of contents hard to use: no single title, a level left out, one name for two places."""
    levels, texts = [level for level, _ in found], [text for _, text in found]
    problems = [
        f"a level is left out above: {text}"
        for (before, _), (level, text) in zip(found, found[1:])
        if level > before + 1
    ]
    problems += [f"used more than once: {text}" for text in sorted(set(texts)) if texts.count(text) > 1]
    return problems + (
        [] if levels[:1] == [1] and levels.count(1) == 1 else ["there must be one title, and it comes first"]
    )


def write_notebook(lab, name, cells):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.course / "notebooks" / f"{name}.ipynb"
    )


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_as_it_opens(lab, page, lesson):
    open_notebook(page, lab, f"notebooks/{lesson}.ipynb")
    first_screen = page.locator(".jp-Notebook .jp-RenderedMarkdown").first
    for part in (
        first_screen.locator("h1"),
        first_screen.get_by_text("What you will do"),
        first_screen.locator("ul").first,
    ):
        box = part.bounding_box()
        assert box["y"] + box["height"] <= LAPTOP["height"], f"below the first screen: {part.inner_text()}"
    found = headings(page)
    assert heading_faults(found) == []
    page.get_by_role("tab", name="Table of Contents").click()
    page.wait_for_selector(".jp-tocItem-content")
    assert page.locator(".jp-tocItem-content").all_inner_texts() == [text for _, text in found]
    for theme in THEMES:
        switch_theme(page, theme)
        assert faults(page) == []
        keep_screenshot(page, f"{lesson}-{theme}")


def test_the_faults_of_a_page_are_found(lab, page):
    """A notebook with everything that the tests look for: each fault must be seen."""
    see_through = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    pictures = f'<img src="data:image/png;base64,{see_through}"><img alt="a picture" src="data:image/png;base64,AAAA">'
    output = nbformat.v4.new_output
    outputs = [
        output(
            "error",
            ename="ValueError",
            evalue="no",
            traceback=["Traceback (most recent call last)", "ValueError: no"],
        ),
        output("stream", name="stderr", text="UserWarning: old"),
        output("stream", name="stdout", text="Batches: | 12/100 [00:01<00:08]"),
        output("display_data", data={"text/plain": "Error displaying widget: model not found"}),
        output("display_data", data={"text/html": pictures}),
        output("display_data", data={"text/html": f"<div style='overflow: hidden'>{'wide' * 500}</div>"}),
    ]
    cells = [
        nbformat.v4.new_markdown_cell("## Twice\n\n#### Deep\n\n## Twice"),
        nbformat.v4.new_code_cell("x", outputs=outputs, execution_count=1),
    ]
    write_notebook(lab, "faulty", cells)
    open_notebook(page, lab, "notebooks/faulty.ipynb")
    assert [fault.split(":")[0] for fault in faults(page)] == [
        "traceback",
        "red box",
        "red box",
        "raw progress bar",
        "widget that is not there",
        "picture without a text",
        "picture that does not load",
        "picture that the dark theme shines through",
        "wider than its place",
    ]
    page.add_style_tag(content=".jp-Cell { min-width: 3000px }")
    assert "notebook that scrolls sideways" in faults(page)[-1]
    assert heading_faults(headings(page)) == [
        "a level is left out above: Deep",
        "used more than once: Twice",
        "there must be one title, and it comes first",
    ]


def test_lesson_00_opens_by_itself_and_gives_the_first_ranking(lab, page):
    open_notebook(page, lab, "notebooks/00_start_here.ipynb", lab.address())
    run_all(page)
    assert "All checks are OK." in code_cell(page, "run_doctor").inner_text()
    ranking = (
        code_cell(page, "by_reranker = rerank_documents").locator(".jp-OutputArea").inner_text().splitlines()
    )
    scores = [float(line.split()[0]) for line in ranking]
    assert (
        "up to $500 without pre-approval" in ranking[0]
        and len(scores) == 3
        and scores == sorted(scores, reverse=True)
    )
    assert faults(page) == []
    keep_screenshot(page, "00_start_here-run")


def test_lesson_02_scores_what_one_types(lab, page, reranker):
    open_notebook(page, lab, "notebooks/02_scoring_pairs.ipynb")
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
    keep_screenshot(page, "02_scoring_pairs-run")


def ranks(explorer):
    """{document: (cosine rank, cross-encoder rank)} as the table of lesson 06's explorer shows them."""
    heads, *rows = explorer.locator("tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    table = [dict(zip(heads, row)) for row in rows]
    return {row["text"]: (int(row["cosine rank"]), int(row["cross-encoder rank"])) for row in table}


def test_lesson_06_ranks_by_what_one_types(lab, page, reranker, embedder):
    open_notebook(page, lab, "notebooks/06_cosine_vs_cross_encoder.ipynb")
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
    keep_screenshot(page, "06_cosine_vs_cross_encoder-run")


def test_the_explorers_of_lessons_01_and_05(lab, page):
    """On a page of their own: what their lessons compute before them takes a minute."""
    code = (
        "from rerank_course.widgets import model_chooser\nmodel_chooser(0.05)",
        "from rerank_course.models import load_reranker\nfrom rerank_course.widgets import length_explorer\n\n"
        "document = 'Nothing to see in this sentence. ' * 30 + 'The answer is blue.'\n"
        "length_explorer('Which colour is it?', document, load_reranker(backend='int8'), 'blue')",
    )
    write_notebook(
        lab,
        "explorers",
        [nbformat.v4.new_markdown_cell("# Explorers"), *map(nbformat.v4.new_code_cell, code)],
    )
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


def test_exercise_05_says_not_attempted_and_passes_with_the_solution(lab, page):
    name, part = "ex05_cosine_comparison.ipynb", "def cross_encoder_ranking("
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
    keep_screenshot(page, "ex05_cosine_comparison-untouched")

    page.evaluate("text => navigator.clipboard.writeText(text)", solution)
    answer.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Control+V")
    run_cell(page, answer)
    run_cell(page, check)
    expect(check.locator(".jp-OutputArea")).to_contain_text("✓ Right.")
    assert faults(page) == []
    keep_screenshot(page, "ex05_cosine_comparison-solved")
