"""What a person does with a page of JupyterLab, and what that person sees."""

from pathlib import Path

import nbformat

from tests.support.browser import ARTEFACTS, LAPTOP

# The light one last: JupyterLab remembers it for the other tests.
THEMES = {"dark": "JupyterLab Dark", "light": "JupyterLab Light"}
# That anything may take: a busy machine is slow, and pytest ends a test after five minutes.
MILLISECONDS = 240_000
PANEL = ".jp-NotebookPanel"
IS_DRAWN = """
counts => ['.jp-RenderedMarkdown', '.jp-OutputArea-output'].every((selector, number) => {
  const found = [...document.querySelectorAll('.jp-Notebook ' + selector)];
  return found.length === counts[number] && found.every(element => element.childElementCount);
})
"""
TRACEBACK = "Traceback (most recent call last)"
# A cell that fails stops the rest: there is nothing to wait for then.
ALL_HAVE_RUN_OR_ONE_FAILED = r"""
traceback => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
  .every(prompt => /\[\d+\]/.test(prompt.textContent))
  || [...document.querySelectorAll('.jp-OutputArea-output')]
  .some(output => output.textContent.includes(traceback))
"""
FAULTS = Path(__file__).with_name("faults.js").read_text(encoding="utf-8")


# What a person does


def open_notebook(page, lab, path, address=None, opened=True):
    """Open it and its closed results, and wait until all is drawn: what is not there is not found faulty."""
    cells = nbformat.read(lab.course / path, as_version=4).cells
    texts = sum(cell.cell_type == "markdown" for cell in cells)
    closed = [cell for cell in cells if cell.metadata.get("jupyter", {}).get("outputs_hidden")]
    outputs, hidden = (sum(len(cell.get("outputs", [])) for cell in some) for some in (cells, closed))
    page.goto(address or lab.address(path))
    page.wait_for_function(IS_DRAWN, arg=[texts, outputs - hidden])
    if hidden and opened:  # what is closed is not drawn
        choose(page, "View", "Expand All Outputs")
        page.wait_for_function(IS_DRAWN, arg=[texts, outputs])


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
    page.wait_for_function(ALL_HAVE_RUN_OR_ONE_FAILED, arg=TRACEBACK)
    failed = page.locator(".jp-OutputArea-output", has_text=TRACEBACK)
    assert not failed.count(), failed.first.inner_text()
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
    """What makes a table of contents hard to use: no single title, a level left out, a name used twice."""
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
