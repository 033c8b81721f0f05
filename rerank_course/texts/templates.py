"""Pages of HTML that are made of a template, a file beside the module that fills it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template


def template(file: Path, *filters: Callable[..., Any]) -> Template:
    """A template, ready to ``render``.

    What it shows is escaped, unless it is ``Markup``; a name that it is not given is an error, not a blank.

    Args:
        file: of the template; what it includes stands in the same folder.
        filters: functions that it uses under their own names.

    Raises:
        jinja2.TemplateError: the file is missing, or no template.
    """
    environment = Environment(
        loader=FileSystemLoader(file.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in filters}
    return environment.get_template(file.name)
