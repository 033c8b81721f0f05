"""Judge your own queries in a notebook: a row of buttons for each chunk."""

import html
from collections.abc import Callable, Sequence
from typing import Any

from rerank_course.text import Chunk
from rerank_course.texts.judged_files import GRADES
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import distinct, excerpt

NOT_JUDGED = "–"  # the button for a chunk without a grade


def judge_in_notebook(judgements: Judgements, query: str, chunks: Sequence[Chunk]) -> Any:
    """A widget with a row for each chunk: its text and a button for each grade; each click is saved at once.

    Args:
        judgements: where the grades go, best with all documents: ``Judgements(folder, corpus.documents)``.
            Grades that are there already are shown, unless they were given for another text.
        query: the query's text, which is added if it is new.
        chunks: what to judge, for example from ``pool``.

    Returns:
        An ``ipywidgets.VBox``. Its first child shows the query and the grades' meaning; each other child is
        the row of one chunk, a ``VBox`` of the text (``HTML``) and an ``HBox`` of the ``ToggleButtons``
        (value ``"–"``, 0, 1, 2 or 3) and a message (``HTML``).

    Raises:
        TypeError: ``chunks`` holds something other than chunks, or the query is not a string.
        CorpusError: the folder cannot be written.
    """
    import ipywidgets

    chunks = distinct(chunks)
    query_id = judgements.add_query(query)
    meanings = "; ".join(f"{grade} {meaning}" for grade, meaning in GRADES.items())
    header = ipywidgets.HTML(
        f"<b>{html.escape(query.strip())}</b><br>{len(chunks)} chunks to judge: {html.escape(meanings)}."
    )

    def record(chunk: Chunk, grade: int) -> None:
        judgements.record(query_id, chunk, grade)
        if not any(judgements.is_open(query_id, other) for other in chunks):
            judgements.finish(query_id)

    return ipywidgets.VBox([header, *(_row(judgements, query_id, chunk, record) for chunk in chunks)])


def _row(judgements: Judgements, query_id: str, chunk: Chunk, record: Callable[[Chunk, int], None]) -> Any:
    """The widget of one chunk, which saves a grade when its buttons change."""
    import ipywidgets

    title, *lines = (html.escape(line) for line in excerpt(chunk))
    text = ipywidgets.HTML(f'<b>{title}</b><pre style="white-space: pre-wrap">{chr(10).join(lines)}</pre>')
    buttons = ipywidgets.ToggleButtons(
        options=[NOT_JUDGED, *sorted(GRADES)],
        value=_shown(judgements, query_id, chunk),
        style={"button_width": "3em"},
    )
    message = ipywidgets.HTML(_note(judgements, query_id, chunk))

    def save(change: dict) -> None:
        saved = _shown(judgements, query_id, chunk)
        if change["new"] == saved:
            return
        try:
            if change["new"] == NOT_JUDGED:
                raise ValueError("A grade can be changed, not taken back.")
            record(chunk, change["new"])
            message.value = "saved"
        # A notebook hides what a callback raises; the button must not show a grade that was not saved.
        except ValueError as error:
            buttons.value = saved
            message.value = html.escape(f"Not saved: {error}")

    buttons.observe(save, names="value")
    return ipywidgets.VBox([text, ipywidgets.HBox([buttons, message])])


def _shown(judgements: Judgements, query_id: str, chunk: Chunk) -> Any:
    """The button that is pressed: a chunk's grade if it is surely its own and one of ``GRADES``."""
    grade = judgements.grade_of(query_id, chunk)
    return grade if grade in GRADES and not judgements.is_open(query_id, chunk) else NOT_JUDGED


def _note(judgements: Judgements, query_id: str, chunk: Chunk) -> str:
    """What is said of a grade that no button shows."""
    grade = judgements.grade_of(query_id, chunk)
    if grade is None or _shown(judgements, query_id, chunk) != NOT_JUDGED:
        return ""
    doubt = ", perhaps for another text" if judgements.is_open(query_id, chunk) else ""
    return html.escape(f"{chunk.id} has the grade {grade}{doubt}")
