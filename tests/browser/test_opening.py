"""Each lesson as it opens in JupyterLab, on a laptop's screen and in both themes.

Screenshots of whole notebooks are kept in test-artefacts/browser/.
"""

import nbformat
import pytest

from tests.browser.pages import (
    THEMES,
    faults,
    heading_faults,
    headings,
    keep_screenshot,
    open_notebook,
    switch_theme,
    write_notebook,
)
from tests.support.browser import LAPTOP, needs_chromium
from tools.build.outline import read_outline

pytestmark = [needs_chromium, pytest.mark.heavy]


@pytest.mark.parametrize("lesson", read_outline().lessons, ids=lambda lesson: lesson.name)
def test_a_lesson_as_it_opens(lab, page, lesson):
    open_notebook(page, lab, f"notebooks/{lesson.file}")
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
        keep_screenshot(page, f"{lesson.name}-{theme}")


def test_the_faults_of_a_page_are_found(lab, page):
    """A notebook with everything that the tests look for: each fault must be seen."""
    see_through = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    png = "data:image/png;base64"
    pictures = f'<img src="{png},{see_through}"><img alt="a picture" src="{png},AAAA">'
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
