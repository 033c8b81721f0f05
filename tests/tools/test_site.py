"""The website's pages: built once, served on this machine's own address, and walked by a real browser."""

import re
from urllib.parse import urldefrag, urlsplit

import nbformat
import pytest

from tests.site.built import shared_site
from tests.support import ROOT
from tests.support.browser import ARTEFACTS, launch_chromium, needs_chromium
from tests.support.site import COLOURS, CORNER, PHONE, contrast, served, walk_through
from tools.build.outline import read_outline

pytestmark = pytest.mark.heavy  # the whole course becomes pages, and a browser reads them
OUTLINE = read_outline()
LESSONS = [f"notebooks/{lesson.file[:-6]}" for lesson in OUTLINE.lessons]
EXERCISES = [f"exercises/{exercise.file[:-6]}" for exercise in OUTLINE.exercises]
SOLUTIONS = [f"solutions/{exercise.file[:-6]}" for exercise in OUTLINE.exercises]


def lesson(name: str) -> str:
    """The path of a lesson's page, without its ending."""
    return f"notebooks/{OUTLINE.lesson(name).file[:-6]}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return shared_site(tmp_path_factory)


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def chromium():
    with launch_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def walk(chromium, address):
    return walk_through(chromium, address)


# What the browser finds


@needs_chromium
def test_every_page_is_reached_and_no_link_is_broken(walk, site, page, address):
    pages, files = walk.pages, walk.files
    assert [path for path, seen in pages.items() if seen.status != 200] == []
    missing = [
        f"{path} -> {link}"
        for path, seen in pages.items()
        for link in seen.links
        if (target := urldefrag(link)).fragment
        and target.url in pages
        and target.fragment not in pages[target.url].ids
    ]
    assert missing == []
    assert {
        file: status for file in files if (status := page.request.get(address + file).status) != 200
    } == {}
    assert any(file.endswith("/LICENSE") for file in files) and f"_sources/{EXERCISES[0]}.ipynb" in files
    built = {
        path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts
    }
    assert built - set(pages) == {"search.html"}  # to which the search field leads


@needs_chromium
def test_pages_ask_no_other_host_and_report_no_error(walk):
    assert walk.elsewhere == [] and walk.reported == []


@needs_chromium
def test_pictures_load_and_say_what_they_show(walk):
    pictures = [(path, picture) for path, seen in walk.pages.items() for picture in seen.pictures]
    assert len(pictures) > 10
    assert [
        (path, picture)
        for path, picture in pictures
        if not (picture["width"] > 0 and len(picture["alt"]) > 20)
    ] == []


@needs_chromium
def test_every_notebook_has_a_page_with_its_heading(walk):
    pages = walk.pages
    for name in LESSONS + EXERCISES + SOLUTIONS:
        wanted = (
            nbformat.read(ROOT / f"{name}.ipynb", as_version=4)
            .cells[0]
            .source.splitlines()[0]
            .removeprefix("# ")
            .replace("`", "")
        )
        if name in SOLUTIONS:
            wanted = "Solution of exercise" + wanted.removeprefix("Exercise")
        assert pages[f"{name}.html"].heading == wanted
    first = OUTLINE.lessons[0]
    assert pages[f"{LESSONS[0]}.html"].heading == f"{first.number} · {first.title}"
    assert {
        "docs/teaching.html",
        "CONTRIBUTING.html",
        "docs/benchmarks.html",
        "rerank_course/rerank.html",
        "rerank_course/engine/int8.html",
        "rerank_course/lab/explorers/length_explorer.html",
    } <= set(pages)
    assert not [path for path in pages if path.startswith("rerank_course/checks")]  # which know the answers


@needs_chromium
def test_the_side_bar_has_lessons_and_exercises_in_the_outline_s_order(page, address):
    page.goto(f"{address}index.html")
    links = page.locator(".bd-sidebar-primary nav a").evaluate_all("links => links.map(link => link.href)")
    shown = [link.removeprefix(address).removesuffix(".html") for link in links]
    assert [name for name in shown if name.startswith(("notebooks/", "exercises/"))] == LESSONS + EXERCISES


@needs_chromium
def test_markdown_is_rendered_everywhere_also_inside_details(walk):
    assert {path: seen.stray_marks for path, seen in walk.pages.items() if seen.stray_marks} == {}


@needs_chromium
def test_no_lesson_and_no_exercise_leads_to_a_solution(walk):
    """Only the side bar's last entry does, to a page that says to try first."""
    pages = walk.pages
    for name in LESSONS + EXERCISES:
        assert not [link for link in pages[f"{name}.html"].around if "solutions/" in link], name
    assert {f"{name}.html" for name in SOLUTIONS} <= set(pages["solutions/index.html"].around)


@needs_chromium
def test_no_page_is_wider_than_a_phone(walk):
    assert {path: seen.wide for path, seen in walk.pages.items() if seen.wide > 0} == {}


@needs_chromium
def test_outputs_are_shown_in_lessons_and_none_in_exercises(walk):
    for name in LESSONS + EXERCISES:
        cells = nbformat.read(ROOT / f"{name}.ipynb", as_version=4).cells
        shown = walk.pages[f"{name}.html"].outputs
        assert shown == sum(bool(cell.get("outputs")) for cell in cells), name
        assert (shown > 0) == (name in LESSONS), name


@needs_chromium
def test_the_search_finds_lessons_and_neither_solutions_nor_modules(page, address):
    page.goto(f"{address}index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("truncation")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Search finished")
    page.wait_for_selector("#search-results li p.context, #search-results li .context")
    found = [
        urlsplit(link).path
        for link in page.locator("#search-results li a").evaluate_all("links => links.map(link => link.href)")
    ]
    assert any(path.startswith("/notebooks/") for path in found)
    save(page, "search")
    page.locator("#search-results li a").first.click()
    page.wait_for_selector("article h1")
    assert "truncat" in page.locator("article").inner_text().lower()
    assert not [
        path for path in found if path.startswith(("/solutions/ex", "/rerank_course/chunking"))
    ]  # both have the word
    page.goto(f"{address}search.html?q=SOLUTION")  # which stands in the cells of every solution
    page.wait_for_selector("text=/Search finished|did not match/")
    assert page.locator("#search-results a[href*='solutions/ex']").count() == 0


@needs_chromium
def test_it_can_be_read_and_searched_from_the_disk(page, site):
    page.goto((site / "index.html").as_uri())
    failures = OUTLINE.lesson("when_scores_mislead")
    page.locator(f"nav >> text={failures.number} · {failures.title}").first.click()
    assert page.locator("article h1").inner_text().startswith(f"{failures.number} · {failures.title}")
    page.goto((site / "search.html").as_uri() + "?q=truncation")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a[href*='notebooks/']").count() > 0


@needs_chromium
def test_a_quiz_opens_and_a_formula_is_drawn_and_money_is_none(page, address):
    page.goto(f"{address}{lesson('scoring_pairs')}.html")
    quiz = page.locator("article details", has_text="every option explained").first
    answer = quiz.locator("strong").first
    assert not answer.is_visible()
    quiz.locator("summary").click()
    assert answer.is_visible()
    save(page, "quiz")
    formula = page.locator("article math")
    assert formula.count() == 1 and formula.bounding_box()["width"] > 50
    assert "$500 is the limit" in page.locator("article").inner_text()
    formula.scroll_into_view_if_needed()
    save(page, "formula")


@needs_chromium
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_result_that_is_to_be_predicted_opens_by_mouse_and_keyboard(chromium, address, scripts):
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{address}{lesson('start_here')}.html")
    closed = page.locator("article div.cell details:not([open])")
    assert closed.count() == page.locator(".tag_hide-output .cell_output").count() >= 2
    for number, press in enumerate((lambda line: line.click(), lambda line: line.press("Enter"))):
        result = page.locator("article div.cell details").nth(number)
        assert not result.locator(".cell_output").is_visible()
        assert result.inner_text().strip() == "Show the result"
        press(result.locator("summary"))
        assert result.locator(".cell_output").is_visible()
        assert result.inner_text().startswith("Hide the result")
    save(page, f"predicted_{'' if scripts else 'no_'}scripts")
    context.close()


@needs_chromium
def test_every_term_leads_to_its_entry_and_explains_itself(page, walk, address):
    """That the entries are there is tested with all links."""
    terms = [link for seen in walk.pages.values() for link in seen.around if "docs/glossary.html#" in link]
    assert len(terms) >= len(LESSONS)
    page.goto(f"{address}{lesson('scoring_pairs')}.html")
    for link in page.locator("article a[href*='docs/glossary.html#']").all():
        assert len(link.get_attribute("title")) > 20


@needs_chromium
def test_a_wide_table_scrolls_in_its_place_on_a_phone(page, address):
    page.set_viewport_size(PHONE)
    page.goto(f"{address}{lesson('model_options')}.html")
    table = page.locator("table.dataframe").first
    table.scroll_into_view_if_needed()
    box = table.locator("xpath=ancestor::*[contains(@class, 'output')][1]")
    assert table.bounding_box()["width"] > PHONE["width"]
    box.evaluate("box => box.scrollLeft = 100")
    assert box.evaluate("box => box.scrollLeft") == 100
    save(page, "phone")


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_pictures_are_legible(page, address, scheme):
    """WCAG asks for a contrast of 4.5 between a text and what is behind it."""
    page.emulate_media(color_scheme=scheme)
    for name in ("index", lesson("cosine_vs_cross_encoder")):
        page.goto(f"{address}{name}.html")
        assert page.locator("html").get_attribute("data-theme") == scheme
        save(page, f"{name.rpartition('/')[2]}_{scheme}")
        for part in (
            "article p",
            "article td",
            "article pre",
            "article a",
            ".bd-sidebar-primary a",
            "article code",
        ):
            text = page.locator(f"{part}:visible").first
            assert contrast(*text.evaluate(COLOURS)) >= 4.5, (name, part)
    picture = page.locator("article img").first
    picture.scroll_into_view_if_needed()
    assert picture.evaluate(CORNER) == [
        255,
        255,
        255,
        255,
    ]  # opaque white: black letters are read on any page
    save(page, f"picture_{scheme}")


def save(page, name: str) -> None:
    """A screenshot to look at."""
    (ARTEFACTS / "site").mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / "site" / f"{name}.png")


# What stands in the files


def test_no_file_names_a_script_style_font_or_picture_from_elsewhere(site):
    tags = (
        r"""<(?:script|link|img|iframe|source|object)\b[^>]*\b(?:src|href|data)=["']?(?:https?:)?//[^>]*>"""
    )
    loads = re.compile(tags + r"""|url\(["']?(?:https?:)?//[^)]*|@import[^;]*//[^;]*""")
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert [
        (path.name, found) for path in files if (found := loads.findall(path.read_text(encoding="utf-8")))
    ] == []
    scripts = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.js"))
    assert re.findall(r"unpkg\.com|jsdelivr|googleapis|cdnjs|requirejs", scripts) == []
    assert loads.findall('<script src="https://unpkg.com/x.js">') and loads.findall(
        "@import url(//fonts.example/x.css)"
    )
