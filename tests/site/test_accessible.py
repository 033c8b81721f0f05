"""The website for everyone: axe-core finds nothing, the keyboard is seen, tables are named."""

import re
from html.parser import HTMLParser

import pytest

from tests.site.audit import AXE, audit, begin, faults, needs_axe
from tests.site.built import needs_libraries
from tests.site.live_page import OUTLINE
from tests.support.browser import ARTEFACTS, LAPTOP, needs_chromium
from tests.support.site import COLOURS, PHONE, contrast

pytestmark = pytest.mark.heavy
LESSON = f"notebooks/{OUTLINE.lesson('when_scores_mislead').file[:-6]}.html"
FAULTY = """<html lang="en" data-theme="light"><title>Faulty</title><main><h1>Faulty</h1>
<p style="color: #999; background: #fff">Too pale.</p><img src="icon.svg"><button></button>
<div style="width: 3000px">Too wide.</div></main></html>"""
OUTLINED = """() => {
    const element = document.activeElement;
    if (element === document.body) return null;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    let behind = element.parentElement;
    while (/, 0\\)$/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    return {name: element.outerHTML.slice(0, 100),
        width: parseFloat(style.outlineWidth), style: style.outlineStyle,
        colours: [numbers(style.outlineColor), numbers(getComputedStyle(behind).backgroundColor)],
        onScreen: box.bottom > 0 && box.top < innerHeight && box.width > 0};
}"""
MOVING = """() => [...document.querySelectorAll('*')].filter(element => {
    const style = getComputedStyle(element);
    return [style.transitionDuration, style.animationDuration].some(
        (time, number) => parseFloat(time) > 0.02 && (number === 0 || style.animationName !== 'none'));
}).map(element => element.outerHTML.slice(0, 80))"""


class Structure(HTMLParser):
    """A page's headings, tables and pictures in the text."""

    def __init__(self):
        super().__init__()
        self.levels, self.tables, self.pictures, self.heads = [], [], [], []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.inside |= tag == "article"
        if not self.inside:
            return
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        elif tag == "table":
            self.tables.append(False)
        elif tag == "caption":
            self.tables[-1] = True
        elif tag == "th":
            self.heads.append(attributes.get("scope"))
        elif tag == "img":
            self.pictures.append(attributes.get("alt") or "")

    def handle_endtag(self, tag):
        self.inside &= tag != "article"


def pages_of(site):
    return [
        path.relative_to(site).as_posix()
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    ]


@pytest.fixture(scope="module")
def structures(site):
    found = {}
    for page in pages_of(site):
        found[page] = Structure()
        found[page].feed((site / page).read_text(encoding="utf-8"))
    return found


# What axe-core finds


@pytest.mark.timeout(1200)  # a minute and a half of work for two processors; a busy machine is slow
@needs_chromium
@needs_axe
def test_axe_finds_nothing_on_any_page_in_any_theme_or_width(context, address, site):
    pages = pages_of(site)
    assert len(pages) > 100
    assert audit(context, address, pages) == []


@needs_chromium
@needs_axe
def test_axe_would_find_what_is_wrong(context, address):
    tab = context.new_page()
    tab.goto(f"{address}index.html")
    tab.set_content(FAULTY)
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    tab.emulate_media(color_scheme="light")
    begin(tab, "light", PHONE)
    rules = [fault.split(":")[0] for fault in faults(tab)]
    tab.close()
    assert {"color-contrast", "image-alt", "button-name"} <= set(rules)
    assert rules[-1].startswith("scrolls sideways")


@needs_chromium
@needs_axe
@needs_libraries
def test_axe_finds_nothing_on_results_either(live):
    """Rankings, words, an answered quiz and a kept guess are not there when a page opens."""
    explorer = live.open("own_ten", "own_ten")
    live.load(explorer)
    explorer.get_by_role("button", name="Leave out each word").click()
    explorer.locator(".live-words tbody tr").first.wait_for(state="attached")
    assert results_faults(live.tab) == []
    live.tab.goto(address_of(live, LESSON))
    live.tab.locator(".live-quiz").wait_for()
    live.tab.locator(".live-quiz input").first.check()
    live.tab.locator(".live-quiz button").click()
    for closed in live.tab.locator("article details:not([open]) > summary").all():
        if closed.is_visible():
            closed.click()
    assert results_faults(live.tab) == []


def address_of(live, page):
    return live.address + page


def results_faults(tab):
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for theme, size in (("light", LAPTOP), ("dark", PHONE)):
        begin(tab, theme, size)
        found += faults(tab)
    return found


# What axe-core does not ask


def test_every_table_has_a_caption_and_every_head_a_scope(structures):
    tables = sum(len(page.tables) for page in structures.values())
    assert tables > 30
    assert [name for name, page in structures.items() if not all(page.tables)] == []
    assert [name for name, page in structures.items() if not set(page.heads) <= {"row", "col"}] == []


def test_headings_leave_no_level_out_and_there_is_one_title(structures):
    for name, page in structures.items():
        if name == "search.html":  # its title stands outside of an article
            continue
        levels = page.levels
        assert levels[:1] == [1] and levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), name


def test_pictures_say_what_they_show(structures):
    texts = [text for page in structures.values() for text in page.pictures]
    assert len(texts) > 20 and min(map(len, texts)) > 20
    assert not [text for text in texts if re.match("(picture|image|plot|chart)( of)?$", text, re.IGNORECASE)]


@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_one_sees_where_the_keyboard_is(context, address, theme):
    """An outline of two pixels at least, whose contrast with what is behind it is 3 or more."""
    tab = context.new_page()
    tab.emulate_media(color_scheme=theme)
    tab.goto(address + LESSON)
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    seen = []
    for _ in range(90):
        tab.keyboard.press("Tab")
        focus = tab.evaluate(OUTLINED)
        if focus is None:
            break
        assert focus["style"] != "none" and focus["width"] >= 2, focus["name"]
        assert contrast(*focus["colours"]) >= 3, focus["name"]
        assert focus["onScreen"], focus["name"]
        seen.append(focus["name"])
    assert "Skip to main content" in seen[0] and any("summary" in name for name in seen)
    tab.close()


@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_link_stays_legible_under_the_mouse(context, address, theme):
    tab = context.new_page()
    tab.emulate_media(color_scheme=theme)
    tab.goto(address + LESSON)
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    for part in (".bd-sidebar-primary nav a", ".bd-sidebar-secondary a", "article p a"):
        link = tab.locator(part).nth(1)
        link.hover()
        assert contrast(*link.evaluate(COLOURS)) >= 4.5, part
    tab.close()


@needs_chromium
def test_a_wide_result_that_is_opened_scrolls_by_keyboard(context, address):
    tab = context.new_page()
    tab.set_viewport_size(PHONE)
    tab.goto(address + LESSON)
    tab.wait_for_load_state("networkidle")
    wide = "box => box.scrollWidth > box.clientWidth"
    found = 0
    for result in tab.locator("article div.cell details.hide").all():
        result.locator("summary").press("Enter")
        for box in result.locator(".output, pre").all():
            if box.evaluate(wide):
                tab.wait_for_function("box => box.tabIndex === 0", arg=box.element_handle())
                found += 1
    assert found > 2
    tab.close()


@needs_chromium
def test_the_search_field_s_icon_stands_beside_its_text(context, address):
    tab = context.new_page()
    tab.goto(f"{address}search.html")
    form = tab.locator("form.bd-search:visible")
    icon, field = form.locator("i").bounding_box(), form.locator("input").bounding_box()
    assert icon["width"] > 10 and icon["x"] + icon["width"] <= field["x"]
    tab.close()


@needs_chromium
@needs_libraries
def test_curves_have_the_system_s_colour_where_it_chooses_the_colours(context, address):
    tab = context.new_page()
    tab.emulate_media(forced_colors="active", color_scheme="dark")
    tab.goto(address + LESSON)
    tab.locator(".live-line").first.wait_for(state="attached")
    strokes = tab.locator(".live-line").evaluate_all("all => all.map(line => getComputedStyle(line).stroke)")
    assert set(strokes) == {tab.evaluate("getComputedStyle(document.body).color")}
    tab.close()


@needs_chromium
def test_nothing_moves_for_those_who_ask_for_that(chromium, address):
    moving = {}
    for wish in ("reduce", "no-preference"):
        tab = chromium.new_page(reduced_motion=wish)
        tab.goto(address + LESSON)
        moving[wish] = tab.evaluate(MOVING)
        tab.close()
    assert moving["reduce"] == [] and moving["no-preference"]  # the theme does move things


@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_code_is_legible_without_scripts(chromium, address, theme):
    context = chromium.new_context(java_script_enabled=False, color_scheme=theme)
    tab = context.new_page()
    tab.goto(address + LESSON)
    for part in (
        ".highlight pre span",
        ".highlight pre",
        "article p",
        "article a",
        "article h2",
        "article td",
    ):
        for text in tab.locator(f"{part}:visible").all()[:12]:
            assert contrast(*text.evaluate(COLOURS)) >= 4.5, part
    behind = tab.locator("article p").first.evaluate(COLOURS)[1]
    assert (sum(behind[:3]) < 200) == (theme == "dark")
    context.close()


@needs_chromium
def test_on_paper_it_is_black_on_white_and_results_are_open(chromium, address):
    context = chromium.new_context(viewport=LAPTOP, color_scheme="dark")
    tab = context.new_page()
    tab.goto(address + LESSON)
    tab.emulate_media(media="print", color_scheme="dark")
    for part in ("article p", "article pre", "article td", "article h2", "article a"):
        text, behind = tab.locator(f"{part}:visible").first.evaluate(COLOURS)
        assert sum(behind[:3]) > 700 and contrast(text, behind) >= 4.5, part
    (ARTEFACTS / "site").mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=ARTEFACTS / "site" / "print.png")
    closed = tab.locator("article div.cell details .cell_output").first
    assert closed.is_visible()
    tab.pdf(path=ARTEFACTS / "site" / "lesson.pdf", format="A4")
    context.close()
    from pypdf import PdfReader

    pages = PdfReader(ARTEFACTS / "site" / "lesson.pdf").pages
    text = "".join(page.extract_text() for page in pages)
    assert 5 < len(pages) < 60 and "load_reranker" in text and "every option explained" in text
