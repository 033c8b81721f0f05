"""The website: built once, served on this machine's own address, and walked by a real browser from its first
page.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import nbformat
import pytest

from tests.support import ROOT
from tests.support.browser import ARTEFACTS, launch_chromium, needs_chromium
from tools.build import website

LESSONS, EXERCISES, SOLUTIONS = (
    [f"{folder}/{path.stem}" for path in sorted((ROOT / folder).glob("*.ipynb"))]
    for folder in ("notebooks", "exercises", "solutions")
)
WIDGET = "application/vnd.jupyter.widget-view+json"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "_site"
    website.build(folder)
    return folder


@pytest.fixture(scope="module")
def address(site):
    """The site, served on the loopback address: ``http://127.0.0.1:port/``."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium():
    with launch_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@dataclass
class Page:
    """What the browser saw on one page; ``links`` are those that it follows, ``wide`` is how far it scrolls
    sideways on a phone, in pixels.
    """

    status: int
    heading: str
    ids: set[str]
    links: list[str]
    around: list[str]
    pictures: list[dict]
    stray_marks: list[str]
    wide: int


LOOK = """() => ({
    heading: [...document.querySelector('h1').childNodes].filter(n => n.className !== 'headerlink').map(n => n.textContent).join(''),
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    links: [...document.querySelectorAll('a[href], link[rel~=icon]')].map(e => e.href),
    around: [...document.querySelectorAll('article a[href], .prev-next-area a[href]')].map(e => e.href),
    pictures: [...document.images].map(e => ({width: e.naturalWidth, alt: e.alt})),
    stray_marks: [...document.querySelectorAll('article p, article li, article td')].filter(e => !e.querySelector('code, pre'))
        .map(e => e.textContent).filter(t => /\\*\\*|\\]\\(|`|<\\/?(details|summary)|\\$\\\\/.test(t)),
})"""


@pytest.fixture(scope="module")
def walk(chromium, address):
    """(pages by path, paths of files that are not pages, requests to elsewhere, what the console reported),
    from the first page by its links.
    """
    pages, files, elsewhere, reported = {}, set(), [], []
    context = chromium.new_context(viewport=PHONE)
    context.on(
        "request",
        lambda request: request.url.startswith((address, "data:", "blob:")) or elsewhere.append(request.url),
    )
    context.on(
        "response",
        lambda response: response.status >= 400 and reported.append(f"{response.url}: {response.status}"),
    )
    # The walk goes on while a page's icon may still be on its way, and so aborts that; the icon is among the
    # links that are looked up.
    context.on(
        "requestfailed",
        lambda request: (
            request.failure == "net::ERR_ABORTED" or reported.append(f"{request.url}: {request.failure}")
        ),
    )
    context.on(
        "console",
        lambda message: (
            message.type in ("error", "warning") and reported.append(f"{message.page.url}: {message.text}")
        ),
    )
    context.on("weberror", lambda error: reported.append(f"{error.page.url}: {error.error}"))
    tab, waiting = context.new_page(), ["index.html"]
    while waiting:
        path = waiting.pop()
        response = tab.goto(address + path)
        seen = tab.evaluate(LOOK)
        wide = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        links = [link.removeprefix(address) for link in seen["links"] if link.startswith(address)]
        around = [link.removeprefix(address) for link in seen["around"]]
        pages[path] = Page(
            response.status,
            seen["heading"],
            set(seen["ids"]),
            links,
            around,
            seen["pictures"],
            seen["stray_marks"],
            wide,
        )
        for target in {urldefrag(link).url for link in links}:
            if not target.endswith(".html"):
                files.add(target)
            elif target not in pages and target not in waiting:
                waiting.append(target)
    yield pages, files, elsewhere, reported
    context.close()


# What the browser finds


@needs_chromium
def test_every_page_is_reached_and_no_link_is_broken(walk, site, page, address):
    pages, files, _, _ = walk
    assert [path for path, seen in pages.items() if seen.status != 200] == []
    missing = [
        f"{path} -> {link}"
        for path, seen in pages.items() for link in seen.links
        if (target := urldefrag(link)).fragment and target.url in pages and target.fragment not in pages[target.url].ids
    ]  # fmt: skip
    assert missing == []
    assert {
        file: status for file in files if (status := page.request.get(address + file).status) != 200
    } == {}
    assert (
        any(file.endswith("/LICENSE") for file in files)
        and "_sources/exercises/ex02_score_pairs.ipynb" in files
    )
    built = {
        path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts
    }
    assert built - set(pages) == {"search.html"}  # to which the search field leads


@needs_chromium
def test_pages_ask_no_other_host_and_report_no_error(walk):
    _, _, elsewhere, reported = walk
    assert elsewhere == [] and reported == []


@needs_chromium
def test_pictures_load_and_say_what_they_show(walk):
    pictures = [(path, picture) for path, seen in walk[0].items() for picture in seen.pictures]
    assert len(pictures) > 10
    assert [
        (path, picture)
        for path, picture in pictures
        if not (picture["width"] > 0 and len(picture["alt"]) > 20)
    ] == []


@needs_chromium
def test_every_notebook_has_a_page_with_its_heading(walk):
    pages, _, _, _ = walk
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
    assert pages["notebooks/00_start_here.html"].heading == "00 · Start here"
    assert {
        "docs/teaching.html",
        "docs/contributing.html",
        "docs/benchmarks.html",
        "rerank_course/rerank.html",
    } <= set(pages)


@needs_chromium
def test_markdown_is_rendered_everywhere_also_inside_details(walk):
    assert {path: seen.stray_marks for path, seen in walk[0].items() if seen.stray_marks} == {}


@needs_chromium
def test_no_lesson_and_no_exercise_leads_to_a_solution(walk):
    """Only the side bar's last entry does, to a page that says to try first."""
    pages, _, _, _ = walk
    for name in LESSONS + EXERCISES:
        assert not [link for link in pages[f"{name}.html"].around if "solutions/" in link], name
    assert {f"{name}.html" for name in SOLUTIONS} <= set(pages["solutions/index.html"].around)


@needs_chromium
def test_no_page_is_wider_than_a_phone(walk):
    assert {path: seen.wide for path, seen in walk[0].items() if seen.wide > 0} == {}


@needs_chromium
def test_outputs_are_shown_in_lessons_and_none_in_exercises(page, address):
    for name in LESSONS + EXERCISES:
        cells = nbformat.read(ROOT / f"{name}.ipynb", as_version=4).cells
        page.goto(f"{address}{name}.html")
        shown = page.locator(".cell_output").count()
        assert shown == sum(bool(cell.get("outputs")) for cell in cells) and (shown > 0) == (
            name in LESSONS
        ), name


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
    page.locator("nav >> text=05 · Failure modes").first.click()
    assert page.locator("article h1").inner_text().startswith("05 · Failure modes")
    page.goto((site / "search.html").as_uri() + "?q=truncation")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a[href*='notebooks/']").count() > 0


@needs_chromium
def test_a_quiz_opens_and_a_formula_is_drawn_and_money_is_none(page, address):
    page.goto(f"{address}notebooks/02_scoring_pairs.html")
    quiz = page.locator("article details").first
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
def test_a_wide_table_scrolls_in_its_place_on_a_phone(page, address):
    page.set_viewport_size(PHONE)
    page.goto(f"{address}notebooks/01_model_options.html")
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
    for name in ("index", "notebooks/06_cosine_vs_cross_encoder"):
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


COLOURS = """element => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    let behind = element;
    while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    return [numbers(getComputedStyle(element).color), numbers(getComputedStyle(behind).backgroundColor)];
}"""


CORNER = """image => {
    const canvas = document.createElement('canvas').getContext('2d');
    canvas.drawImage(image, 0, 0);
    return [...canvas.getImageData(1, 1, 1, 1).data];
}"""


def contrast(first: list[float], second: list[float]) -> float:
    """The contrast of two sRGB colours, 1 to 21, as WCAG 2 defines it."""

    def luminance(colour):
        linear = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (channel / 255 for channel in colour[:3])
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


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


# Whole or not at all


@pytest.fixture
def small_course(tmp_path):
    """A course of one lesson and one exercise, with the real settings."""
    root = tmp_path / "course"
    shutil.copytree(ROOT / "docs" / "site", root / "docs" / "site")
    texts = {
        "README.md": "# A course\n\nOf one lesson.\n\n## Start\n\n[Lesson](notebooks/00_one.ipynb), [licence](LICENSE)\n",
        "LICENSE": "MIT\n",
        "docs/teaching.md": "# Teaching\n",
        "docs/contributing.md": "# Changing\n",
        "rerank_course/text.py": '"""A module."""\n',
        "rerank_course/data/handbook/README.md": "# Data card\n",
        "lessons/00_one.py": "",
        "lessons/exercises/ex02_two.py": "",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    write_notebook(
        root / "notebooks" / "00_one.ipynb", "# 00 · One\n\nSee [the module](../rerank_course/text.py)."
    )
    for folder in ("exercises", "solutions"):
        write_notebook(
            root / folder / "ex02_two.ipynb", "# Exercise 02 · Two\n\n[Lesson](../notebooks/00_one.ipynb)"
        )
    return root


def write_notebook(path: Path, text: str, *outputs: dict) -> None:
    code = nbformat.v4.new_code_cell(
        "1 + 1", outputs=[nbformat.v4.new_output("display_data", data) for data in outputs]
    )
    path.parent.mkdir(exist_ok=True)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text), code], metadata={"language_info": {"name": "python"}}
    )
    nbformat.write(notebook, path)


def test_a_good_build_replaces_the_older_site_and_a_broken_link_keeps_it(small_course, tmp_path):
    target = tmp_path / "_site"
    target.mkdir()
    (target / "gone_lesson.html").touch()
    assert website.build(target, small_course) == 11
    before = contents(target)
    assert "notebooks/00_one.html" in before and "gone_lesson.html" not in before and leftovers(target) == []
    write_notebook(small_course / "notebooks" / "00_one.ipynb", "# 00 · One\n\n[gone](01_gone.ipynb)")
    with pytest.raises(website.SiteError, match=r"notebooks/00_one\.ipynb:\d+: WARNING: .*01_gone\.ipynb"):
        website.build(target, small_course)
    assert contents(target) == before and leftovers(target) == []


def test_a_lesson_that_is_not_built_is_named(small_course, tmp_path):
    (small_course / "lessons" / "01_new.py").touch()
    (small_course / "solutions" / "ex02_two.ipynb").unlink()
    with pytest.raises(
        website.SiteError,
        match=r"notebooks/01_new\.ipynb, solutions/ex02_two\.ipynb: not built yet\. Run make build first",
    ):
        website.build(tmp_path / "_site", small_course)
    assert not (tmp_path / "_site").exists() and leftovers(tmp_path / "_site") == []


def test_a_widget_shows_its_table_and_loads_nothing(small_course, tmp_path):
    output = {
        WIDGET: {"model_id": "1", "version_major": 2, "version_minor": 0},
        "text/html": "<b>a table</b>",
        "text/plain": "a table",
    }
    write_notebook(small_course / "notebooks" / "00_one.ipynb", "# 00 · One", output)
    website.build(tmp_path / "_site", small_course)
    page = (tmp_path / "_site" / "notebooks" / "00_one.html").read_text(encoding="utf-8")
    assert "<b>a table</b>" in page and "model_id" not in page and "https://" not in page


def test_the_build_makes_no_connection(small_course, tmp_path):
    """Proxies that lead nowhere stop only those who ask for them; here every connection of the build and of
    Sphinx fails.
    """
    (tmp_path / "no_network").mkdir()
    (tmp_path / "no_network" / "sitecustomize.py").write_text(
        "import pathlib, socket, sys\n"
        "def refuse(*arguments): pathlib.Path(__file__).with_name('refused').touch(); raise OSError('no network')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "pathlib.Path(__file__).with_name('started').open('a').write('x')\n",
        encoding="utf-8",
    )
    code = "import pathlib, sys, website; website.build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(tmp_path / "no_network"), str(ROOT / "tools")))
    }
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "_site"), str(small_course)], env=environment, check=True
    )
    assert (tmp_path / "_site" / "index.html").exists() and not (tmp_path / "no_network" / "refused").exists()
    assert (tmp_path / "no_network" / "started").read_text(
        encoding="utf-8"
    ) == "xx"  # this Python and Sphinx's


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_build_that_is_cut_off_leaves_the_older_site(tmp_path, how):
    target = tmp_path / "_site"
    target.mkdir()
    (target / "index.html").write_text("the older site", encoding="utf-8")
    command = [sys.executable, str(ROOT / "tools" / "website.py"), str(target)]
    build = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("_site-*.part/site")):  # Sphinx has begun
        assert build.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(build.pid, getattr(signal, how))
    _, said = build.communicate(timeout=60)
    assert build.returncode != 0
    assert contents(target) == {"index.html": b"the older site"}
    if how == "SIGINT":
        assert said.strip() == "Stopped. What was there before is kept." and leftovers(target) == []


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def leftovers(target: Path) -> list[Path]:
    return list(target.parent.glob(f"{target.name}-*.part"))
