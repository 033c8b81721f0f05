"""A Sphinx extension: names, captions and scopes that the theme and the notebooks' tables leave out.

Each page is changed as text when all are written: the theme makes some of these parts late.
"""

import html
import re
from pathlib import Path

TAG = re.compile(r"<[^>]+>")
HIDDEN_RESULT = ' aria-label="Toggle hidden content"'  # while the line says: Show the result
SEARCH_BUTTON = re.compile(r'(<button class="btn search-button-field[^>]*?) aria-label="[^"]*"')
FOLDED = re.compile(r"(<a\b[^>]*>)((?:(?!</?a\b).)*?)(</a>\s*<details[^>]*>\s*<summary)>", re.DOTALL)
PLACES = re.compile(
    r"<h[1-6]\b[^>]*>(?P<heading>.*?)</h[1-6]>|<table\b[^>]*>(?P<table>.*?)</table>", re.DOTALL
)
HEAD = re.compile(r"<thead\b.*?</thead>", re.DOTALL)
BODY_HEAD = re.compile(r"<th(?![\w-])(?![^>]*\bscope=)([^>]*)>")
FIRST_CELL = re.compile(r"(<tr\b[^>]*>\s*)<td\b([^>]*)>(.*?)</td>", re.DOTALL)
SIDE_BAR = '<div id="pst-primary-sidebar"'
EMPTY_HEAD = re.compile(r"<th\b[^>]*>(?:\s|<p>\s*</p>)*</th>")
ARTICLE = "<article"


def name_controls(page: str) -> str:
    """What opens something says what; a name does not leave out the words that are seen."""
    page = page.replace(HIDDEN_RESULT, "")
    page = page.replace(SIDE_BAR, f'{SIDE_BAR} role="complementary" aria-label="The course"')
    page = SEARCH_BUTTON.sub(r"\1", page)
    return FOLDED.sub(_name_folded, page)


def _name_folded(found: re.Match[str]) -> str:
    link, text, details = found.groups()
    name = html.escape(html.unescape(TAG.sub("", text)).strip())
    return f'{link}{text}{details} aria-label="Pages of: {name}">'


def describe_tables(page: str) -> str:
    """Every table of the text gets a caption, from its heading, and its heads a scope.

    A caption is read out and not shown: the heading and the text before the table say the same.
    """
    before, begin, article = page.partition(ARTICLE)
    heading, count = "", 0

    def describe(found: re.Match[str]) -> str:
        nonlocal heading, count
        if found["heading"] is not None:
            heading, count = html.unescape(TAG.sub("", found["heading"])).rstrip("#¶ \n").strip(), 0
            return found[0]
        count += 1
        if "<caption" in found["table"] or 'role="' in found[0]:
            return found[0]
        name = html.escape(heading if count == 1 else f"{heading}, table {count}")
        start = found[0].index(">") + 1
        caption = f'<caption class="only-read">{name}</caption>'
        return found[0][:start] + caption + _with_scopes(found[0][start:])

    return before + begin + PLACES.sub(describe, article)


def _with_scopes(table: str) -> str:
    head = HEAD.search(table)
    if not head:
        return BODY_HEAD.sub(r'<th scope="row"\1>', table)
    if not TAG.sub("", head[0]).strip():  # an exercise's card: its first column says what a row is
        card = FIRST_CELL.sub(r'\1<th scope="row"\2>\3</th>', table[head.end() :])
        return table[: head.start()] + card
    columns = BODY_HEAD.sub(r'<th scope="col"\1>', EMPTY_HEAD.sub("<td></td>", head[0]))
    rows = BODY_HEAD.sub(r'<th scope="row"\1>', table[head.end() :])
    return table[: head.start()] + columns + rows


def finish(app, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        path.write_text(describe_tables(name_controls(page)), encoding="utf-8")


def setup(app) -> dict[str, bool]:
    app.add_js_file("course.js", loading_method="defer")
    app.connect("build-finished", finish, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
