"""Slides: what of a lesson stands on them, and that all of it can be seen without a network."""

import re

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.lessons.built import OUTLINE
from tests.support import ROOT
from tests.support.browser import launch_chromium, needs_chromium
from tools.build import slides
from tools.build.slides_cut import CODE_LINES, OUTPUT_LINES, TABLE_ROWS, cut, shortened
from tools.build.slides_page import page_of
from tools.build.sources import PREDICT

STAGE = {"width": 1280, "height": 720}
LEGIBLE = 14  # pixels of a letter's height on a page of 720
HEAD = """# 02 · Pairs

A [pair](../docs/glossary.md#pair "Two. And (more).") is two texts. See [pip](https://pip.pypa.io).

**What you will do**

- score;
- sort."""
TAIL = """## What to remember

- One.
- Two.

**Where it breaks:** at three.

## Quiz

What?

A. This.

<details><summary>Answer</summary>

**A**, secretly.

</details>

**On your own:** more."""


def printed(text, source="print(1)", tags=()):
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=[new_output("stream", text=text)])


def shown(html):
    output = new_output("execute_result", {"text/html": html, "text/plain": "x"}, execution_count=1)
    return new_code_cell("show()", outputs=[output])


def cut_of(*cells):
    notebook = new_notebook(cells=[new_markdown_cell(HEAD), *cells, new_markdown_cell(TAIL)])
    return cut(notebook)


def contents(slide):
    return [(block.kind, block.content) for block in slide.blocks]


def test_the_frame_is_the_title_what_to_do_what_to_remember_and_the_quiz_without_answers():
    title, do, remember, breaks, quiz = cut_of()
    assert (title.kind, title.heading) == ("title", "02 · Pairs")
    assert contents(title) == [("text", "A pair is two texts. See [pip](https://pip.pypa.io).")]
    assert (do.heading, contents(do)) == ("What you will do", [("text", "- score;\n- sort.")])
    assert contents(remember) == [("text", "- One.\n- Two.")]
    assert (breaks.heading, contents(breaks)) == ("Where it breaks", [("text", "At three.")])
    assert (quiz.heading, contents(quiz)) == ("Quiz", [("text", "What?"), ("text", "A. This.")])


def test_a_prediction_has_its_code_and_each_result_the_first_words_of_what_follows():
    asked = "## A score\n\nFirst.\n\n**Predict.** High?\n\nMore about it."
    cells = [
        new_markdown_cell(asked),
        printed("box", "guess('x')", ["guess"]),
        printed("x: 1. Your guess: none yet.\n", "score()"),
        shown("<style>b {}</style><b>2</b>"),
        new_markdown_cell("It is one. It is.\n\nAnd so on."),
        printed("unasked"),
    ]
    question, *results = [slide for slide in cut_of(*cells) if slide.heading == "A score"]
    assert contents(question) == [("text", "**Predict.** High?"), ("code", "score()")]
    assert [contents(one) for one in results] == [
        [("output", "x: 1.")],
        [("html", "<b>2</b>"), ("text", "It is one. It is.")],
    ]
    assert (question.kind, results[0].kind) == ("question", "result")


def test_a_section_without_a_prediction_shows_its_pictures_or_its_first_words():
    cells = [
        new_markdown_cell("## Pictures\n\nLook."),
        printed("not this"),
        shown("<img src='data:,'>"),
        new_markdown_cell("## `words`\n\nFew. " + "And so on for long. " * 20),
        printed("a"),
        printed("b"),
        new_markdown_cell("## Nothing"),
    ]
    picture, words = cut_of(*cells)[2:4]
    assert (picture.heading, contents(picture)) == ("Pictures", [("html", "<img src='data:,'>")])
    assert words.heading == "words" and contents(words)[1:] == [("code", "print(1)"), ("output", "b")]
    assert 30 < len(contents(words)[0][1].split()) <= 45


def test_what_is_too_long_for_a_slide_is_left_to_the_notebook():
    source, output = "x = 1\n" * (CODE_LINES + 1), "\n".join(map(str, range(40)))
    asked = new_markdown_cell("## Long\n\n**Predict.** How long?")
    question, result = [one for one in cut_of(asked, printed(output, source)) if one.heading == "Long"]
    assert [kind for kind, _ in contents(question)] == ["text"]
    assert contents(result)[0][1].splitlines()[-2:] == ["15", "… and 24 more lines in the notebook"]
    assert len(contents(result)[0][1].splitlines()) == OUTPUT_LINES + 1
    table = pd.DataFrame({"n": range(40)}).to_html()
    (block,) = next(one.blocks for one in cut_of(asked, shown(f"<div>{table}</div>")) if one.kind == "result")
    assert block.content.count("<tr") == 1 + TABLE_ROWS and f"{40 - TABLE_ROWS} more rows" in block.content
    assert block.content.count("<div") == block.content.count("</div") == block.content.count("</table")


def test_emphasis_is_not_cut_in_two():
    assert shortened("**One. Two.** Three. Four.", words=2) == "**One. Two.**"
    assert shortened("One `a. b` two. Three.", words=2) == "One `a. b` two."


def test_a_page_writes_what_a_cell_printed_as_text():
    asked = new_markdown_cell("## <Tags>\n\n**Predict.** What is `a < b`?")
    page = page_of("02 · <Pairs>", cut_of(asked, printed("<script>alert(1)</script>")))
    assert "&lt;script&gt;alert(1)" in page and "&lt;Tags&gt;" in page and "02 · &lt;Pairs&gt;" in page
    assert "<code>a &lt; b</code>" in page and 'target="_blank"' not in page


@pytest.mark.parametrize("lesson", OUTLINE.lessons, ids=lambda lesson: lesson.name)
def test_every_lesson_has_its_slides(lesson, tmp_path):
    notebook = nbformat.read(ROOT / "notebooks" / lesson.file, as_version=4)
    found = cut(notebook)
    predictions = sum(cell.source.count(PREDICT) for cell in notebook.cells if cell.cell_type == "markdown")
    asked = [one for one in found if one.blocks and one.blocks[0].content.startswith(PREDICT)]
    assert len(asked) == predictions
    headings = [one.heading for one in found]
    assert headings[0] == f"{lesson.number} · {lesson.title}" and headings[1] == "What you will do"
    assert headings[-1] == "Quiz" and headings[-2] == "Where it breaks" and "What to remember" in headings
    assert all(one.blocks and all(block.content.strip() for block in one.blocks) for one in found)
    page = page_of(lesson.title, found)
    assert not re.search(r'(?:src|href)="(?!data:|https://)', page) and "<details" not in page
    assert not re.search(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="http', page)


def test_a_lesson_that_is_not_built_is_named(tmp_path):
    with pytest.raises(slides.NotBuiltError, match="00_.*is not built yet"):
        slides.write_slides(OUTLINE.lessons[0], tmp_path / "out", tmp_path)
    assert slides.main([str(tmp_path), "--only", "no such lesson"]) == 1


SEEN = """() => {
  const slide = document.querySelector("main > section:not([hidden])");
  const inner = slide.querySelector(".inner").getBoundingClientRect();
  const body = slide.querySelector(".body").getBoundingClientRect();
  const zoom = Number(slide.querySelector(".inner").style.zoom || 1);
  const sizes = [...slide.querySelectorAll("pre, td, p, li")].map(
    (one) => zoom * parseFloat(getComputedStyle(one).fontSize));
  return {
    place: document.querySelector("#place").textContent,
    cut: inner.bottom > innerHeight || inner.right > innerWidth ||
      (!slide.matches(".title") && inner.bottom > body.bottom + 2) ||
      slide.querySelector(".inner").scrollWidth > slide.querySelector(".inner").clientWidth + 2,
    smallest: Math.min(100, ...sizes),
    blank: [...slide.querySelectorAll("img")].some((one) => !one.naturalWidth),
  };
}"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    return [slides.write_slides(lesson, folder) for lesson in OUTLINE.lessons]


@pytest.mark.heavy
@needs_chromium
@pytest.mark.timeout(600)
def test_nothing_is_cut_off_and_all_can_be_read_on_every_slide(written):
    with launch_chromium() as browser:
        context = browser.new_context(viewport=STAGE)
        context.set_offline(True)
        faults = {}
        for file in written:
            page = context.new_page()
            asked = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, file=file: faults.update({file.name: message.text}))
            page.goto(file.as_uri())
            number = page.locator("main > section").count()
            for place in range(1, number + 1):
                seen = page.evaluate(SEEN)
                assert seen["place"] == f"{place} / {number}"
                if seen["cut"] or seen["blank"] or seen["smallest"] < LEGIBLE:
                    faults[f"{file.name}, slide {place}"] = seen
                page.keyboard.press("ArrowRight")
            assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {file.as_uri()}
            page.close()
        assert faults == {}


@pytest.mark.heavy
@needs_chromium
def test_keys_buttons_and_the_printer_turn_the_slides(written):
    import io

    from pypdf import PdfReader

    with launch_chromium() as browser:
        page = browser.new_page(viewport=STAGE)
        page.goto(written[0].as_uri() + "#3")
        number = page.locator("main > section").count()

        def is_at(place):
            assert page.locator("#place").inner_text() == f"{place} / {number}"
            assert page.locator("main > section:visible").count() == 1
            assert page.evaluate("document.activeElement.matches('h1, h2, button')")

        is_at(3)
        for key, place in (("Space", 4), ("Shift+Space", 3), ("PageDown", 4), ("ArrowLeft", 3), ("Home", 1)):
            page.keyboard.press(key)
            is_at(place)
        page.keyboard.press("ArrowUp")
        is_at(1)
        page.get_by_role("button", name="Next").click()
        is_at(2)
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        is_at(number)
        page.get_by_role("button", name="Back").click()
        is_at(number - 1)
        pages = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True))).pages
        assert len(pages) == number
