"""A Sphinx extension: forms for guesses, predictions and quizzes, as a lesson's own text asks for them.

A form is written here and site/src/ makes it work, so it has its room from the beginning and nothing moves
when a script arrives. Without JavaScript a quiz is read as it is, and of a guess its question.
"""

import html
import re
from pathlib import Path

from docutils import nodes

ASKED = re.compile(
    r"^(?P<question>.+): your guess\?\n(?:Guess a number|Choose (?P<choices>.+)): run this cell.*$",
    re.MULTILINE,
)
PREDICT = "Predict."
OPTION = re.compile(r"([A-D])\.\s")
REPLACED = "live-replaced"  # an output that the form says better
STATUS = '<p role="status" class="live-status"></p>'


def add_forms(app, doctree: nodes.document) -> None:
    for number, cell in enumerate(_cells(doctree, "tag_guess"), 1):
        _ask(cell, f"live-guess-{number}")
    for number, paragraph in enumerate(filter(_predicts, list(doctree.findall(nodes.paragraph))), 1):
        cell = _next_cell(paragraph)
        if cell is not None and "tag_guess" not in cell["classes"]:
            cell.parent.insert(cell.parent.index(cell), _raw(prediction(number)))
    for section in doctree.findall(nodes.section):
        if "quiz" in section["ids"]:
            _enclose(section)


def _cells(doctree: nodes.document, tag: str) -> list[nodes.container]:
    return [node for node in doctree.findall(nodes.container) if _is_cell(node) and tag in node["classes"]]


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def _raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def _ask(cell: nodes.container, name: str) -> None:
    """A form in the place of what a cell says of its guess."""
    for text in list(cell.findall(nodes.literal_block)):
        if found := ASKED.search(text.astext()):
            choices = found["choices"].split(" or ") if found["choices"] else []
            cell += _raw(guess(found["question"], choices, name))
            text.rawsource = (text.astext()[: found.start()] + text.astext()[found.end() :]).strip()
            text.children = [nodes.Text(text.rawsource)]
            if not text.rawsource:
                cell[-2]["classes"].append(REPLACED)


def guess(question: str, choices: list[str], name: str) -> str:
    """The form of one guess; ``name`` is its own on the page."""
    question = html.escape(question)
    asked = f"Your guess: {question}"
    if choices:
        radios = (
            f'<label><input type="radio" name="{name}" value="{choice}"> {choice}</label>'
            for choice in map(html.escape, choices)
        )
        field = f"<fieldset><legend>{asked}</legend>{''.join(radios)}</fieldset>"
    else:
        box = f'<input type="text" id="{name}" autocomplete="off" size="8">'
        field = f'<div class="live-field"><label for="{name}">{asked}</label>{box}</div>'
    return (
        f'<form class="live live-guess pst-js-only" data-question="{question}">{field}'
        f'<button type="submit" disabled>Keep my guess</button>{STATUS}</form>'
        f"<noscript><p>{asked}? With JavaScript this page keeps it, as a notebook does.</p></noscript>"
    )


def _predicts(paragraph: nodes.paragraph) -> bool:
    marks = (child for child in paragraph.children if isinstance(child, nodes.strong))
    return any(mark.astext() == PREDICT for mark in marks)


def _next_cell(paragraph: nodes.paragraph) -> nodes.container | None:
    parent = paragraph.parent
    for node in parent[parent.index(paragraph) + 1 :]:
        if _is_cell(node):
            return node
        if isinstance(node, nodes.section):
            break
    return None


def prediction(number: int) -> str:
    """A box for a prediction in words; ``number`` counts all predictions of the page."""
    name = f"prediction-{number}"
    box = f'<textarea id="live-{name}" rows="2" dir="auto"></textarea>'
    return (
        f'<div class="live live-guess pst-js-only" data-prediction="{name}"><div class="live-field">'
        f'<label for="live-{name}">Your prediction</label>{box}</div>{STATUS}</div>'
    )


def _enclose(section: nodes.section) -> None:
    """The options between question and answer become choices; their texts stay as they are."""
    options: list[nodes.paragraph] = []
    for node in section.children:
        if isinstance(node, nodes.raw) and "<details" in node.astext():
            break
        if isinstance(node, nodes.paragraph) and OPTION.match(node.astext()):
            options.append(node)
    else:
        return  # no answers
    if len(options) < 2:
        return
    start = section.index(options[0])
    parts: list[nodes.Node] = [
        _raw('<form class="live live-quiz"><fieldset><legend>Your answer</legend>'),
        *(part for option in options for part in _choice(option)),
        _raw(
            '</fieldset><button type="submit" class="pst-js-only" disabled>See what is said of it</button>'
            '<div role="status" class="live-explained"></div></form>'
        ),
    ]
    for option in options:
        section.remove(option)
    section[start:start] = parts


def _choice(option: nodes.paragraph) -> list[nodes.Node]:
    letter = option.astext()[0]
    radio = f'<input type="radio" name="quiz" value="{letter}" class="pst-js-only">'
    return [_raw(f"<label>{radio}<span>"), *option.children, _raw("</span></label>")]


def setup(app) -> dict[str, bool]:
    if (Path(app.srcdir) / "live.json").exists():  # else no script would make them work
        app.connect("doctree-read", add_forms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
