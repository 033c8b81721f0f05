"""Judge your own queries in a notebook: a row of buttons for each chunk."""

import html
from collections.abc import Sequence
from typing import Any

from rerank_course.text import Chunk
from rerank_course.texts.judged_files import GRADES
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging import distinct, excerpt

NOT_JUDGED = "–"  # the button for a chunk without a grade


def judge_in_notebook(judgements: Judgements, query: str, chunks: Sequence[Chunk]) -> Any:
    """A widget with a row for each chunk: its text and a button for each grade; each click is saved at once.

    Args:
        judgements: where the grades go; grades that are there already are shown.
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
    return ipywidgets.VBox([header, *(_row(judgements, query_id, chunk) for chunk in chunks)])


def _row(judgements: Judgements, query_id: str, chunk: Chunk) -> Any:
    """The widget of one chunk, which saves a grade when its buttons change."""
    import ipywidgets

    grade = judgements.qrels.get(query_id, {}).get(chunk.id, NOT_JUDGED)
    title, *lines = (html.escape(line) for line in excerpt(chunk))
    text = ipywidgets.HTML(f'<b>{title}</b><pre style="white-space: pre-wrap">{chr(10).join(lines)}</pre>')
    buttons = ipywidgets.ToggleButtons(
        options=[NOT_JUDGED, *sorted(GRADES)], value=grade, style={"button_width": "3em"}
    )
    message = ipywidgets.HTML()

    def save(change: dict) -> None:
        saved = judgements.qrels.get(query_id, {}).get(chunk.id, NOT_JUDGED)
        if change["new"] == saved:
            return
        try:
            if change["new"] == NOT_JUDGED:
                raise ValueError("A grade can be changed, not taken back.")
            judgements.record(query_id, chunk.id, change["new"])
            message.value = "saved"
        # A notebook hides what a callback raises; the button must not show a grade that was not saved.
        except ValueError as error:
            buttons.value = saved
            message.value = html.escape(f"Not saved: {error}")

    buttons.observe(save, names="value")
    return ipywidgets.VBox([text, ipywidgets.HBox([buttons, message])])
