"""A drawn figure as a value, with a text for those who cannot see it; and what all pictures start from."""

import base64
import html
import io
from collections.abc import Iterable

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("agg")  # pictures are returned as values; no window and no inline hook shows them twice


class Picture:
    """A drawn figure as an image with alternative text; on white, so that it is legible in a dark theme too.

    Attributes:
        png: the image.
        alt: what it shows, in words.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=110, facecolor="white", bbox_inches="tight", metadata={"Software": None}
        )
        self.png, self.alt = buffer.getvalue(), alt

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        data = base64.b64encode(self.png).decode("ascii")
        image = (
            f'<img alt="{html.escape(self.alt)}" style="max-width: 100%" src="data:image/png;base64,{data}">'
        )
        return {"text/html": image, "text/plain": self.alt}


def one_chart(height: float) -> tuple[Figure, Axes]:
    """A figure as wide as a notebook, ``height`` inches high; its axes have no line above or to the right."""
    figure = Figure(figsize=(9, height))
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def chart_of_rows(height: float, names: Iterable[str]) -> tuple[Figure, Axes]:
    """As ``one_chart``, with a named row at each of 0, 1, 2 … on the y axis, which has no line of its own."""
    figure, axes = one_chart(height)
    rows = list(names)
    axes.set_yticks(range(len(rows)), rows)
    axes.spines["left"].set_visible(False)
    return figure, axes


def shorten(text: str, width: int = 70) -> str:
    """The text on one line of at most ``width`` characters; ``…`` stands for what is left out."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
