"""How Sphinx turns the course into a website.

`make site` lays this folder over a copy of the course and builds there: see tools/site/website.py.
"""

import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.parsers import Parser

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions that stand beside this file

project = html_title = "Reranking: a hands-on course"
extensions = ["myst_nb", "live_pages", "form_pages", "accessible_pages", "fast_pages", "publishing"]
templates_path = ["_templates"]
exclude_patterns = [
    "conf.py",
    "*_pages.py",
    "publishing.py",
    "_static",
    "_templates",
    "README.md",
]  # the README's text stands on the first page
smartquotes = False  # the lessons choose their own quotation marks

# The notebooks were executed by `make build`; what they printed there is shown.
nb_execution_mode = "off"
nb_code_prompt_show, nb_code_prompt_hide = "Show the result", "Hide the result"  # after a prediction
nb_ipywidgets_js = {}  # the default is two scripts from elsewhere; a widget needs a running kernel anyway
# So its table or text is shown instead.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3  # lessons link to the glossary's entries
myst_update_mathjax = False
myst_dmath_allow_space = myst_dmath_allow_digits = False  # "$500 and $600" is money

html_theme = "sphinx_book_theme"
html_theme_options = {
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search stands in the side bar already
    "search_bar_text": "Search the course",
    "footer_content_items": [],
    "collapse_navbar": True,  # another part's pages stand on that part's own page
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_sourcelink_suffix = ""  # a notebook is downloaded as .ipynb, not as .ipynb.txt
html_show_copyright = False
html_use_index = False
html_math_renderer = "mathml"


class ModuleParser(Parser):
    """A page for a Python module: its name and its text, for the links from lessons."""

    supported = ("python-module",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        name = Path(document["source"]).name
        section = nodes.section(
            "",
            nodes.title(text=name),
            nodes.literal_block(inputstring, inputstring, language="python"),
            names=[name],
        )
        document.note_implicit_target(section)
        document += section


def write_math(translator, node: nodes.Element) -> None:
    """A formula as MathML, which browsers draw by themselves.

    Sphinx's usual way is a script from elsewhere.
    """
    translator.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def name_solution(app, docname: str, source: list[str]) -> None:
    """A solution has its exercise's heading; on the website a page should say which of the two it is."""
    if docname.startswith("solutions/ex"):
        source[0] = source[0].replace("# Exercise", "# Solution of exercise", 1)


def keep_out_of_search(app, doctree: nodes.document) -> None:
    """Whoever searches for a word wants the lesson on it.

    So there is no solution to stumble over, and no list of modules that use the word.
    """
    if app.env.docname.startswith("solutions/ex") or app.env.doc2path(app.env.docname).suffix == ".py":
        app.env.metadata[app.env.docname]["no-search"] = True


def setup(app) -> None:
    app.add_source_suffix(".py", "python-module")
    app.add_source_parser(ModuleParser)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(write_math, None), block_renderers=(write_math, None)
    )
    app.connect("source-read", name_solution)
    app.connect("doctree-read", keep_out_of_search)
