"""Slides as one page of HTML that holds all it needs."""

from pathlib import Path

from markupsafe import Markup, escape
from nbconvert.filters import markdown2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from rerank_course.texts.templates import template
from tools.build.slides_cut import Block, Slide

PAGE = Path(__file__).with_name("slides.html")
LINE = 1130  # pixels of a line of code on a slide
LETTER = 0.605  # of its height: the width of a letter of one width
SMALLEST, LARGEST = 17, 28  # pixels of its height; at the smallest the course's 110 characters fit


def page_of(title: str, slides: list[Slide]) -> str:
    """The page; slides.js turns the slides, and without it they stand below each other."""
    return template(PAGE, block).render(
        title=title,
        slides=slides,
        colours=Markup(HtmlFormatter(style="default").get_style_defs(".code")),
        script=Markup(Path(__file__).with_name("slides.js").read_text(encoding="utf-8")),
    )


def block(block: Block) -> Markup:
    """A block as HTML; code is coloured, and as large as its longest line allows."""
    if block.kind == "text":
        return Markup(f'<div class="text">{markdown2html(block.content)}</div>')
    if block.kind == "html":
        return Markup(f'<div class="html">{block.content}</div>')
    longest = max((len(line) for line in block.content.splitlines()), default=1)
    size = min(max(int(LINE / LETTER / max(longest, 1)), SMALLEST), LARGEST)
    text = Markup(escape(block.content))
    if block.kind == "code":
        text = Markup(highlight(block.content, PythonLexer(), HtmlFormatter(nowrap=True)).rstrip())
    return Markup(f'<pre class="{block.kind}" style="font-size: {size}px">{text}</pre>')
