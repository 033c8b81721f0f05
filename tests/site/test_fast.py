"""Pages that are quick on a slow line: what is sent, when it is seen, and that nothing jumps."""

import gzip
import json
import re
import threading
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.site.built import needs_libraries
from tests.site.live_page import OUTLINE
from tests.site.sphinx_extensions import extension
from tests.support.browser import LAPTOP, needs_chromium
from tests.support.site import PHONE
from tools.site import serve

heavy = pytest.mark.heavy
LESSONS = [f"notebooks/{lesson.file[:-6]}.html" for lesson in OUTLINE.lessons]
WITH_EXPLORER = f"notebooks/{OUTLINE.lesson('scoring_pairs').file[:-6]}.html"
LONGEST = f"notebooks/{OUTLINE.lesson('when_scores_mislead').file[:-6]}.html"
# A slow mobile line: 1.6 Mbit/s, and 150 ms until an answer begins.
LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
FIRST_CONTENT = 1000  # milliseconds
MOST_SHIFT = 0.01
MOST_SHIFT_BELOW = 0.1  # where a link leads past what scripts fill: what web.dev calls good
MOST_BYTES = 15e6
VISITS = 3  # until one ends
TRIES = 10  # the machine may be busy just then; the best counts, after ever longer pauses
# Until every explorer is there, and a moment longer.
MEASURE = """async () => {
    let shift = 0;
    new PerformanceObserver(list => list.getEntries().forEach(entry => { shift += entry.value; }))
        .observe({type: 'layout-shift', buffered: true});
    const pause = time => new Promise(resolve => setTimeout(resolve, time));
    while (document.querySelector('script[src*="live.js"]') && document.querySelector('.live-without'))
        await pause(50);
    await pause(300);
    const content = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity;
    return {shift, content};
}"""
THEME = """html{color:red}.btn{color:blue}.fa,.fa-brands,.fas{font-family:x}.fa-0{--fa:"0"}.fa-bars{--fa:"1"}
@font-face{font-family:Font Awesome;src:url(x.woff2)}.end{color:green}"""
PYGMENTS = """html[data-theme="light"] .highlight { background: #fff; color: #080808 }
html[data-theme="light"] .highlight .k { color: #6730C5 } /* Keyword */
html[data-theme="light"] .highlight .n { color: #080808 } /* Name */
html[data-theme="light"] .highlight .p { color: #080808 } /* Punctuation */
html[data-theme="dark"] .highlight { background: #000; color: #F8F8F2 }
html[data-theme="dark"] .highlight .k { color: #DCC6E0 }
html[data-theme="dark"] .highlight .n { color: #F8F8F2 }
html[data-theme="dark"] .highlight .p { color: #FFFFFF }"""


class Compressed(serve.Handler):
    """As hosts of static pages send texts: compressed."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in (".html", ".css", ".js", ".json", ".svg") or not path.is_file():
            super().do_GET()
            return
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(ConnectionError):  # the browser has left
            self.wfile.write(body)


@pytest.fixture(scope="module")
def hosted(site):
    with serve.Server(("127.0.0.1", 0), partial(Compressed, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def measured(chromium, address, size):
    """First content, in milliseconds, and shift of a first visit over ``LINE``.

    A visit takes two seconds. One in a thousand was seen not to end, why is not known: it is made anew.
    """
    from playwright.sync_api import TimeoutError as NeverEndedError

    for _ in range(VISITS - 1):
        with suppress(NeverEndedError):
            return visited(chromium, address, size)
    return visited(chromium, address, size)


def visited(chromium, address, size):
    with closing(chromium.new_context(viewport=size)) as context:
        tab = context.new_page()
        line = context.new_cdp_session(tab)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", LINE)
        tab.goto(address, wait_until="load")
        return tab.evaluate(MEASURE)


@heavy
@needs_chromium
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("page", ["index.html", "own_ten.html", WITH_EXPLORER, LONGEST, "docs/glossary.html"])
def test_first_content_comes_within_a_second_and_nothing_jumps(chromium, hosted, page, size):
    content = float("inf")
    for pause in range(TRIES):
        time.sleep(pause / 2)
        found = measured(chromium, hosted + page, size)
        content = min(content, found["content"])
        assert found["shift"] < MOST_SHIFT
        if content < FIRST_CONTENT:
            break
    print(f"{page}: {content:.0f} ms, shift {found['shift']:.4f}")
    assert content < FIRST_CONTENT


def headings_below(page):
    """The heading that follows each explorer of a built page, and the quiz."""
    following = re.split(r"\bdata-live=", page.partition("</article>")[0])[1:]
    found = [re.search(r'<section id="([^"]+)">', part) for part in following]
    return list(dict.fromkeys([*(match[1] for match in found if match), "quiz"])) if following else []


@heavy
@needs_chromium
@needs_libraries
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_a_link_past_what_scripts_fill_leads_to_a_page_that_stays_put(chromium, hosted, site, size):
    shifts = {
        f"{page}#{heading}": measured(chromium, f"{hosted}{page}#{heading}", size)["shift"]
        for page in LESSONS
        for heading in headings_below((site / page).read_text(encoding="utf-8"))
    }
    print({place: f"{shift:.3f}" for place, shift in shifts.items()})
    assert len(shifts) > 8
    assert {place for place, shift in shifts.items() if shift > MOST_SHIFT_BELOW} == set()


@heavy
@needs_chromium
@needs_libraries
def test_no_page_asks_for_the_model_by_itself(chromium, address):
    context, asked = chromium.new_context(), []
    tab = context.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    for page in ["own_ten.html", *LESSONS]:
        tab.goto(address + page)
        tab.wait_for_function("() => !document.querySelector('.live-without')")
    tab.wait_for_load_state("networkidle")
    assert any(url.endswith("models.json") for url in asked)  # which says how large they are
    assert not [url for url in asked if "/models/" in url or url.endswith((".wasm", ".onnx"))]
    context.close()


@heavy
def test_the_site_without_the_model_is_small(site):
    file = site / "_static" / "live" / "models.json"
    listed = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    models = sum(entry["bytes"] for entry in listed.values())
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) - models
    print(f"{size / 1e6:.1f} MB, and models of {models / 1e6:.1f} MB")
    assert size < MOST_BYTES


@heavy
def test_a_page_waits_for_no_script_but_the_settings(site):
    page = (site / LONGEST).read_text(encoding="utf-8")
    waits = [tag for tag in re.findall(r"<script[^>]*\bsrc=[^>]*>", page) if "defer" not in tag]
    assert len(waits) == 1 and "documentation_options" in waits[0]
    search = (site / "search.html").read_text(encoding="utf-8")
    assert re.search(r'<script src="_static/doctools.js[^>]*>', search)  # which the search's own scripts need
    assert "data:image/png" not in page
    pictures = re.findall(r"<img\b[^>]*>", page)
    assert pictures and all("width=" in picture and "height=" in picture for picture in pictures)


# How it is done


@pytest.fixture(scope="module")
def fast_pages():
    return extension("fast_pages")


def test_the_icon_font_leaves_the_style_and_all_else_stays(fast_pages):
    assert fast_pages.without_icons(THEME).replace("\n", "") == (
        "html{color:red}.btn{color:blue}.end{color:green}"
    )
    assert fast_pages.without_icons(".btn{color:blue}") == ".btn{color:blue}"


def test_rules_for_classes_that_no_page_has_are_left_out(fast_pages):
    style = (
        "/* .x */@media print{.a,.no{x:1}.no .a{x:2}}p:not(.no){x:3}.a:is(.no,.b)>p{x:4}"
        "@font-face{src:url(.no)}@keyframes k{from{x:5}}.no{x:6}"
    )
    assert fast_pages.without_unused(style, {"a", "b"}) == (
        "@media print{.a{x:1}}p:not(.no){x:3}.a:is(.no,.b)>p{x:4}"
        "@font-face{src:url(.no)}@keyframes k{from{x:5}}"
    )


def test_tokens_that_look_like_plain_text_in_both_themes_are_known(fast_pages):
    assert fast_pages.plain_tokens(PYGMENTS) == {"n"}
    assert fast_pages.plain_tokens("") == set()


def test_both_themes_become_rules_without_a_script(fast_pages):
    light, dark = (f"html[data-theme={theme}] img:not(.a, .b),p{{x:{theme}}}" for theme in ("light", "dark"))
    light_rule, _, dark_rules = fast_pages.automatic([light, dark]).partition("@media")
    assert light_rule.strip() == "html[data-theme=auto] img:not(.a, .b){x:light}"
    assert dark_rules.splitlines()[1:] == ["html[data-theme=auto] img:not(.a, .b){x:dark}", "}"]
