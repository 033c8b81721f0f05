"""What lessons write into a notebook, as axe-core sees it. JupyterLab around it is not the course's.

axe-core takes all of a notebook for text beyond the screen and leaves its colours alone: those are measured
here.
"""

import nbformat
import pytest

from tests.browser.pages import THEMES, open_notebook, switch_theme, write_notebook
from tests.site.audit import AXE, TAGS, needs_axe
from tests.support.browser import needs_chromium
from tests.support.site import contrast
from tools.build.outline import read_outline

pytestmark = [needs_chromium, needs_axe, pytest.mark.heavy]
LESSONS = ("model_options", "when_scores_mislead", "cosine_vs_cross_encoder")  # tables, pictures, explorers
OUTPUTS = """async tags => {
    const options = {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations'], preload: false};
    const {violations} = await axe.run({include: [['.jp-Notebook .jp-OutputArea-output']]}, options);
    return violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html.slice(0, 120)}`));
}"""

COLOURS = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const says = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const elements = [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output *')];
    return elements.filter(says).map(element => {
        let behind = element;
        while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        return [element.outerHTML.slice(0, 80),
            numbers(getComputedStyle(element).color), numbers(getComputedStyle(behind).backgroundColor)];
    });
}"""


def faults(page, lab, notebook):
    """What axe finds in the outputs, in both themes."""
    open_notebook(page, lab, notebook)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for theme in THEMES:
        switch_theme(page, theme)
        found += [f"{theme}: {fault}" for fault in page.evaluate(OUTPUTS, TAGS)]
        texts = page.evaluate(COLOURS)
        assert texts
        found += [f"{theme}: pale: {text}" for text, *colours in texts if contrast(*colours) < 4.5]
    return found


@pytest.mark.parametrize("lesson", LESSONS)
def test_axe_finds_nothing_in_a_lesson_s_outputs(lab, page, lesson):
    assert faults(page, lab, f"notebooks/{read_outline().lesson(lesson).file}") == []


def test_a_pale_text_and_a_link_without_a_name_would_be_found(lab, page):
    text = '<a href="#nowhere"></a><p style="background: #fff; color: #bbb">Pale.</p>'
    output = nbformat.v4.new_output("display_data", data={"text/html": text})
    cells = [
        nbformat.v4.new_markdown_cell("# Faulty"),
        nbformat.v4.new_code_cell("x", outputs=[output], execution_count=1),
    ]
    write_notebook(lab, "pale", cells)
    found = faults(page, lab, "notebooks/pale.ipynb")
    assert any("link-name" in fault for fault in found) and any("pale" in fault for fault in found)
