"""A Sphinx extension: a page's text comes before anything else, in the reader's theme, and stays put.

The theme loads an icon font's script and the whole search index on every page, and takes the reader's theme
from a script; pictures of a notebook stand inside the page, as long lines of letters. Here icons are a few
lines of style, rules that no page needs are left out, scripts wait for the text, the search's are on its page
only, light and dark are rules of style too, and pictures are files, as small as they get without loss, whose
size the page knows.
"""

import base64
import io
import re
from hashlib import sha256
from pathlib import Path

from docutils import nodes
from PIL import Image

THEME = "pydata-sphinx-theme.css"
OTHERS = (
    "sphinx-book-theme.css",
    "basic.css",
    "mystnb.*.css",
)  # whose rules are left out where no page has use
UNUSED = (
    "_static/scripts/fontawesome.js",
    "_static/vendor/**/*.*",
    "_static/**/*.map",
    "_static/locales/**/*.*",
    "_static/images/logo_*",
    "_sources/**/*.py*",
    "_sources/**/*.md",
)
ICONS_BEGIN, ICON = ".fa,.fa-brands,", re.compile(r"\.fa-[\w-]+\{--fa:[^}]*\}")
FONT = re.compile(r"@font-face\{[^}]*(?:FontAwesome|Font Awesome)[^}]*\}")
CLASSES = re.compile(r'\bclass="([^"]*)"')
WORD = re.compile(r"[\w-]+")
SELECTED = re.compile(r"\.([A-Za-z_-][\w-]*)")
BRACKETS = re.compile(r"\([^()]*\)")
PLAIN_RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
COMMA = re.compile(r",(?![^(]*\))")  # not those inside :is(…)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
TOKEN = re.compile(r'<span class="(\w+)">([^<]*)</span>')
COLOUR = re.compile(r'data-theme="(\w+)"\] \.highlight(?: \.(\w+))? \{(?:[^}]*;)? *color: (#\w+) *\}')
BLANKS = re.compile(r"\s*\n\s*")
PICTURE = re.compile(r'src="data:image/png;base64,([^"]+)"')


def without_icons(style: str) -> str:
    """The theme's style less its icon font, a fifth of it; as it is where the font is not found in it."""
    begin = style.find(ICONS_BEGIN)
    icons = list(ICON.finditer(style))
    if begin < 0 or not icons or icons[-1].end() < begin:
        return style
    return FONT.sub("", style[:begin] + style[icons[-1].end() :])


def without_unused(style: str, used: set[str]) -> str:
    """A style less the rules for classes that are not ``used``.

    What stands in brackets, as in :not(.name), asks for no class.
    """

    def is_used(selector: str) -> bool:
        while BRACKETS.search(selector):
            selector = BRACKETS.sub("", selector)
        return "\\" in selector or used.issuperset(SELECTED.findall(selector))

    def only_used(found: re.Match[str]) -> str:
        selectors = [part for part in COMMA.split(found[1]) if is_used(part)]
        return f"{','.join(selectors)}{{{found[2]}}}" if selectors else ""

    return PLAIN_RULE.sub(only_used, COMMENT.sub("", style))


def automatic(styles: list[str]) -> str:
    """What light and dark themes say, as rules for a page that no script has given its theme yet."""
    text = COMMENT.sub("", "\n".join(styles))
    light, dark = (_rules_for(text, theme) for theme in ("light", "dark"))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _rules_for(style: str, theme: str) -> str:
    named = re.compile(rf"""\[data-theme=["']?{theme}["']?\]""")
    rules = []
    for selectors, body in RULE.findall(style):
        if named.search(selectors):
            ours = [part for part in COMMA.split(selectors.strip()) if named.search(part)]
            rules.append(f"{named.sub('[data-theme=auto]', ','.join(ours))}{{{body}}}")
    return "\n".join(rules)


def wait_with_scripts(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Scripts run when the page has been read; the settings, which scripts in the page change, before.

    The search page's own scripts do not wait, and so those that they need do not either.
    """
    if pagename != "search":
        context["script_files"] = [_waiting(script) for script in context.get("script_files", ())]


def _waiting(script):
    """A copy, since all pages share what Sphinx has."""
    name = str(getattr(script, "filename", None) or "")
    if not name or "documentation_options" in name:
        return script
    attributes = {**script.attributes, "defer": "defer"}
    return type(script)(script.filename, priority=script.priority, **attributes)


def offer_notebooks_only(app, pagename: str, templatename: str, context: dict, doctree) -> None:
    """A text's or a module's page shows all of its file: there is nothing more to download."""
    if context.get("page_source_suffix") != ".ipynb":
        context["page_source_suffix"] = ""


def move_pictures(app, doctree: nodes.document, docname: str) -> None:
    """A picture inside the page becomes a file, and its size stands in the page."""
    up = "../" * docname.count("/")
    for node in doctree.findall(nodes.raw):
        text = node.astext()
        if PICTURE.search(text):
            moved = PICTURE.sub(lambda found: _as_file(found[1], Path(app.outdir), up), text)
            node.children = [nodes.Text(moved)]


def _as_file(encoded: str, target: Path, up: str) -> str:
    picture = base64.b64decode(encoded)
    path = target / "_images" / f"{sha256(picture).hexdigest()[:16]}.webp"
    image = Image.open(io.BytesIO(picture))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, lossless=True)
    return f'src="{up}_images/{path.name}" width="{image.width}" height="{image.height}"'


def plain_tokens(style: str) -> set[str]:
    """Classes of code that look, in both themes, as code without a class does: names, points, blanks."""
    colours = {(theme, kind): colour.lower() for theme, kind, colour in COLOUR.findall(style)}
    themes = {theme for theme, kind in colours if not kind}
    return {
        kind
        for _, kind in colours
        if kind and themes and all(colours.get((theme, kind)) == colours[theme, ""] for theme in themes)
    }


def _without(token: re.Match[str], plain: set[str]) -> str:
    return token[2] if token[1] in plain else token[0]


def without_blanks(page: str) -> str:
    """A page less the blanks that the theme's templates leave around the text, which stays as it is."""
    before, begin, rest = page.partition("<article")
    article, end, after = rest.rpartition("</article>")
    return "".join([BLANKS.sub("\n", before), begin, article, end, BLANKS.sub("\n", after)])


def finish(app, exception: Exception | None) -> None:
    """After the theme has written its files."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir)
    static = target / "_static"
    for file in {file for pattern in UNUSED for file in target.glob(pattern) if file.is_file()}:
        file.unlink()
    plain = plain_tokens((static / "pygments.css").read_text(encoding="utf-8"))
    used = {word for path in static.rglob("*.*js") for word in WORD.findall(path.read_text(encoding="utf-8"))}
    for page in target.rglob("*.html"):
        text = TOKEN.sub(lambda token: _without(token, plain), page.read_text(encoding="utf-8"))
        page.write_text(without_blanks(text), encoding="utf-8")
        used.update(word for names in CLASSES.findall(text) for word in names.split())
    for path in (path for name in (THEME, *OTHERS) for path in static.rglob(name)):
        style = without_icons(path.read_text(encoding="utf-8"))
        path.write_text(without_unused(style, used), encoding="utf-8")
    styles = [
        *sorted((static / "styles").glob("*.css")),
        *sorted(static.glob("*.css")),
        static / "course.css",
    ]
    texts = [path.read_text(encoding="utf-8") for path in styles if path.name != "auto.css"]
    (static / "auto.css").write_text(automatic(texts), encoding="utf-8")


def setup(app) -> dict[str, bool]:
    app.add_css_file("icons.css")
    app.connect("html-page-context", offer_notebooks_only, priority=100)  # before the theme's own
    app.connect("html-page-context", wait_with_scripts, priority=900)  # after the theme's own
    app.connect("doctree-resolved", move_pictures)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
