"""A Sphinx extension: live explorers below the cells that they belong to, and the scripts that run them.

`tools/site/live.py` writes live.json, which says what goes where. Without that file the pages are as the
notebooks have them.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

OWN_TEN = "own_ten"
WITHOUT = (
    "This copy of the website was built without the model: npm was missing, which brings the two libraries "
    "that run it. The course’s lessons do the same in a notebook."
)


def add_explorers(app, doctree: nodes.document) -> None:
    """Put each explorer of this page below its cell, or at the page's end."""
    page = app.env.docname
    for placement in app.live.get(page, ()):
        after = placement["after"]
        place = cell_with(doctree, after) if after else last_part(doctree)
        if place is None:
            raise ExtensionError(f"{page} has no cell with {after!r}, below which an explorer stands")
        explorer = nodes.raw("", placement["html"], format="html")
        place.parent.insert(place.parent.index(place) + 1, explorer)
    if page == OWN_TEN and not app.live:
        doctree[0] += nodes.paragraph(text=WITHOUT)


def cell_with(doctree: nodes.document, text: str) -> nodes.Element | None:
    """The code cell, results included, whose source holds ``text``."""
    for node in doctree.findall(nodes.container):
        if node.get("nb_element") == "cell_code" and text in node.astext():
            return node
    return None


def last_part(doctree: nodes.document) -> nodes.Node:
    return doctree[0][-1]


def setup(app) -> None:
    file = Path(app.srcdir) / "live.json"
    app.live = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if app.live:
        app.add_css_file("live/live.css")
        app.add_js_file("live/live.js", loading_method="defer")
    app.connect("doctree-read", add_explorers)
