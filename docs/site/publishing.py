"""A Sphinx extension: what a published website needs, all of it from one setting, its address.

The environment variable COURSE_SITE_URL holds the address, as https://example.org/course/. With it each page
names its canonical address and has a card for link previews, and the site gets sitemap.xml and robots.txt.
Without it nothing of that is written: a copy on somebody's disk has no address.
"""

import html
import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from docutils import nodes
from sphinx.errors import ConfigError

VARIABLE = "COURSE_SITE_URL"
CARD = Path("_static") / "card.png"
CARD_TEXT = "Two lists of the same texts, in two orders: a question, and which text answers it best."
NOT_LISTED = ("search", "genindex", "solutions/")  # whoever searches wants the lesson
SHORTEST, LONGEST = 40, 200  # letters of a description


def site_address(given: str) -> str:
    """The address with one slash at its end; empty for none.

    Raises:
        ConfigError: it is no web address.
    """
    parts = urlsplit(given.strip())
    if not given.strip():
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ConfigError(f"{VARIABLE} is {given!r}; give a web address such as https://example.org/course/")
    return given.strip().rstrip("/") + "/"


def describe(doctree: nodes.document | None, other: str) -> str:
    """A page's first sentences, for previews and search engines."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if len(text) >= SHORTEST and not isinstance(paragraph.parent, nodes.entry):
            return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0] + " …"
    return other


def add_preview(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """The description always; what names the site's address only where it has one."""
    description = describe(doctree, app.config.project)
    context["preview"] = [("description", description)]
    if base := app.config.html_baseurl:
        title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title", ""))) or app.config.project
        context["preview"] += [
            ("og:type", "website"),
            ("og:site_name", app.config.project),
            ("og:title", title),
            ("og:description", description),
            ("og:url", f"{base}{pagename}.html"),
            ("og:image", f"{base}{CARD.as_posix()}"),
            ("og:image:width", "1200"),
            ("og:image:height", "630"),
            ("og:image:alt", CARD_TEXT),
            ("twitter:card", "summary_large_image"),
        ]


def write_files(app, exception: Exception | None) -> None:
    base = app.config.html_baseurl
    if exception or not base:
        return
    target = Path(app.outdir)
    pages = sorted(name for name in app.env.found_docs if not name.startswith(NOT_LISTED))
    entries = "\n".join(f"<url><loc>{escape(f'{base}{name}.html')}</loc></url>" for name in pages)
    (target / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}\n</urlset>\n',
        encoding="utf-8",
    )
    robots = f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n"
    (target / "robots.txt").write_text(robots, encoding="utf-8")
    (target / ".nojekyll").touch()  # GitHub Pages would leave out folders whose names begin with _
    draw_card(target / CARD, app.config.project)


def draw_card(path: Path, title: str) -> None:
    """A picture of 1200 by 630 pixels: the title, and one list in two orders."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#14344f")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 12), ylim=(0, 6.3))
    axes.set_axis_off()
    name, _, rest = title.partition(": ")
    axes.text(0.7, 4.9, name, color="white", fontsize=54, weight="bold")
    axes.text(0.7, 4.1, rest, color="#d5e4f1", fontsize=30)
    axes.text(0.7, 0.7, "a real cross-encoder, in Python and in the page", color="#d5e4f1", fontsize=22)
    for height, goes_to in zip((3.2, 2.65, 2.1, 1.55), (2.65, 2.1, 3.2, 1.55), strict=True):
        colour = "#f2b134" if goes_to == 3.2 else "#7fa6c7"  # the answer, third before and first afterwards
        axes.plot([0.7, 4.4], [height] * 2, color=colour, linewidth=16, solid_capstyle="round")
        axes.plot([4.8, 6.6], [height, goes_to], color=colour, linewidth=3)
        axes.plot([7.0, 10.7], [goes_to] * 2, color=colour, linewidth=16, solid_capstyle="round")
    figure.savefig(path)


def setup(app) -> dict[str, bool]:
    app.config.html_baseurl = site_address(os.environ.get(VARIABLE, ""))
    app.connect("html-page-context", add_preview)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
