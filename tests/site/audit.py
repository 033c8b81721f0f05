"""axe-core over pages of the website, in both themes, as wide as a laptop and as a phone."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT
from tests.support.browser import LAPTOP
from tests.support.site import PHONE

AXE = ROOT / "site" / "node_modules" / "axe-core" / "axe.min.js"
SCRIPT = Path(__file__).with_name("audit.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]  # version 2.2 has no new rule for level A
# Each theme and each width with all rules once; the other two ways with those on colours, which alone depend
# on both. A module's page is a heading and its code, which has the same colours in every width: two ways do.
WAYS = (("light", LAPTOP, False), ("dark", PHONE, False))
MORE_WAYS = (("light", PHONE, True), ("dark", LAPTOP, True))
MODULE = re.compile(r"rerank_course/.*(?<!index)\.html")
TABS = 3  # one is audited while another is drawn
SETTLED = 400  # milliseconds after which the theme has seen that the window's size is another
IS_ALIVE = (
    "() => !document.querySelector('script[src*=\"live.js\"]') || !document.querySelector('.live-without')"
)

needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: npm ci --prefix site, without --omit=dev"
)


def audit(context: Any, address: str, pages: list[str]) -> list[str]:
    """What axe finds on these pages of the website at ``address``: way, page, rule, element."""
    found = []
    tabs = [context.new_page() for _ in range(TABS)]
    for start in range(0, len(pages), TABS):
        batch = list(zip(tabs, pages[start : start + TABS], strict=False))
        for tab, page in batch:
            tab.goto(address + page)
            tab.evaluate(AXE.read_text(encoding="utf-8"))
        for way in WAYS if all(MODULE.fullmatch(page) for _, page in batch) else WAYS + MORE_WAYS:
            for tab, _ in batch:
                begin(tab, *way)
            for tab, page in batch:
                found += [f"{way[0]}, {way[1]['width']}: {page}: {fault}" for fault in faults(tab)]
    for tab in tabs:
        tab.close()
    return found


def begin(tab: Any, theme: str, size: dict[str, int], colours: bool = False) -> None:
    """Begin an audit, as one theme and size show the page; ``faults`` waits for it."""
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    tab.set_viewport_size(size)
    tab.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    tab.wait_for_function(IS_ALIVE)
    options = {"colours": colours, "tags": TAGS, "settled": SETTLED}
    tab.evaluate(f"options => {{ window.audit = ({SCRIPT})(options) }}", options)


def faults(tab: Any) -> list[str]:
    return tab.evaluate("() => window.audit")
