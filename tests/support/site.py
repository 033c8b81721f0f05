"""A browser's walk through the website, and what else its tests measure."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

PHONE = {"width": 390, "height": 844}


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The site on the loopback address: ``http://127.0.0.1:port/``."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@dataclass
class Page:
    """What the browser saw on one page.

    Attributes:
        links: those that it follows.
        around: those of the text and its ends.
        wide: how far the page scrolls sideways on a phone, in pixels.
    """

    status: int
    heading: str
    ids: set[str]
    links: list[str]
    around: list[str]
    pictures: list[dict]
    stray_marks: list[str]
    wide: int
    outputs: int


LOOK = """() => ({
    heading: [...document.querySelector('h1').childNodes]
        .filter(n => n.className !== 'headerlink').map(n => n.textContent).join(''),
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    links: [...document.querySelectorAll('a[href], link[rel~=icon]')].map(e => e.href),
    around: [...document.querySelectorAll('article a[href], .prev-next-area a[href]')].map(e => e.href),
    pictures: [...document.images].map(e => ({width: e.naturalWidth, alt: e.alt})),
    stray_marks: [...document.querySelectorAll('article p, article li, article td')]
        .filter(e => !e.querySelector('code, pre'))
        .map(e => e.textContent).filter(t => /\\*\\*|\\]\\(|`|<\\/?(details|summary)|\\$\\\\/.test(t)),
    wide: document.documentElement.scrollWidth - innerWidth,
    outputs: document.querySelectorAll('.cell_output').length,
})"""


@dataclass
class Walk:
    """From the first page by its links.

    Attributes:
        pages: by path.
        files: paths of what is linked and no page.
        elsewhere: requests to other hosts.
        reported: what the console and the network reported.
    """

    pages: dict[str, Page] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    elsewhere: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)


def walk_through(chromium: Any, address: str) -> Walk:
    """Every page that can be reached, as a phone shows it."""
    walk = Walk()
    context = chromium.new_context(viewport=PHONE)
    _listen(context, address, walk)
    tab, waiting = context.new_page(), ["index.html"]
    while waiting:
        path = waiting.pop()
        page = walk.pages[path] = _look(tab, address, path)
        for target in {urldefrag(link).url for link in page.links}:
            if not target.endswith(".html"):
                walk.files.add(target)
            elif target not in walk.pages and target not in waiting:
                waiting.append(target)
    tab.wait_for_load_state("networkidle")
    context.close()
    return walk


def _look(tab: Any, address: str, path: str) -> Page:
    response = tab.goto(address + path)
    seen = tab.evaluate(LOOK)
    seen["ids"] = set(seen["ids"])
    seen["links"] = [link.removeprefix(address) for link in seen["links"] if link.startswith(address)]
    seen["around"] = [link.removeprefix(address) for link in seen["around"]]
    return Page(status=response.status, **seen)


def _listen(context: Any, address: str, walk: Walk) -> None:
    def on_request(request):
        if not request.url.startswith((address, "data:", "blob:")):
            walk.elsewhere.append(request.url)

    def on_response(response):
        if response.status >= 400:
            walk.reported.append(f"{response.url}: {response.status}")

    def on_failure(request):
        # The walk goes on while a page's icon may still be on its way, and so aborts that; the icon is among
        # the links that are looked up.
        if request.failure != "net::ERR_ABORTED":
            walk.reported.append(f"{request.url}: {request.failure}")

    def on_console(message):
        if message.type in ("error", "warning"):
            walk.reported.append(f"{message.page.url}: {message.text}")

    context.on("request", on_request)
    context.on("response", on_response)
    context.on("requestfailed", on_failure)
    context.on("console", on_console)
    context.on("weberror", lambda error: walk.reported.append(f"{error.page.url}: {error.error}"))


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
