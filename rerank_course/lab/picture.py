"""A drawn figure as a value, with a text for those who cannot see it."""

import base64
import html
import io

from matplotlib.figure import Figure


class Picture:
    """A drawn figure as an image with alternative text; on white, so that it is legible in a dark theme too."""

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


def shorten(text: str, width: int = 70) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
