"""The commands of docs/hub.md, which the test of the hub runs as they stand there."""

import re

from tests.support import ROOT

GUIDE = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands() -> dict[str, list[str]]:
    """{heading: its blocks of commands}."""
    parts = re.split(r"^## (.*)\n", GUIDE, flags=re.MULTILINE)
    return {heading: BLOCK.findall(text) for heading, text in zip(parts[1::2], parts[2::2])}


def link() -> str:
    """The link to a lesson that the guide gives, without the hub's address."""
    (found,) = re.findall(r"^https://HUB(/\S+)$", GUIDE, flags=re.MULTILINE)
    return found
