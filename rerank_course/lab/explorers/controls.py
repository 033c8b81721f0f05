"""What the explorers have in common: controls over a plain function's result."""

import html
from collections.abc import Callable, Mapping
from typing import Any


def explorer(controls: Mapping[str, Any], describe: Callable[..., str]) -> Any:
    """Controls, and below them what ``describe`` makes of their values.

    Args:
        controls: ``{name: widget}``; ``describe`` is called with each widget's value under its name.
        describe: gives HTML. If it raises ``ValueError``, the message is shown in place of the result.

    Returns:
        An ``ipywidgets.VBox`` of the controls; its last child shows the HTML.
    """
    import ipywidgets

    shown = ipywidgets.HTML()
    shown.add_class("jp-RenderedHTMLCommon")  # tables as in the rest of the notebook

    def show(_: Any = None) -> None:
        try:
            shown.value = describe(**{name: control.value for name, control in controls.items()})
        except ValueError as error:
            shown.value = html.escape(str(error))

    for control in controls.values():
        control.observe(show, names="value")
    show()
    return ipywidgets.VBox([*controls.values(), shown])


def text_box(kind: type, value: str, description: str, **layout: str) -> Any:
    """A text box that reports its value when the reader leaves it, not at each key."""
    return kind(
        value=value,
        description=description,
        continuous_update=False,
        style={"description_width": "6em"},
        layout={"width": "95%", "max_width": "56em", **layout},
    )
