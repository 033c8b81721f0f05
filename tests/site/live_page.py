"""A page of the website with something alive on it, and what a person does there."""

from dataclasses import dataclass
from typing import Any

from tools.build.outline import read_outline

OUTLINE = read_outline()
# Where the keyboard stands, and whether one sees it.
FOCUS = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    const name = element.labels?.[0]?.textContent ?? element.textContent;
    return {name: name.trim(), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2};
}"""


def listen(tab: Any, address: str) -> list[str]:
    """What the page complains of from now on, and what it asks of others than ``address``."""
    reported: list[str] = []

    def on_console(message):
        if message.type in ("error", "warning"):
            reported.append(message.text)

    def refuse(route):
        reported.append(f"asked for {route.request.url}")
        route.abort()

    tab.on("console", on_console)
    tab.on("pageerror", lambda error: reported.append(str(error)))
    tab.route(lambda url: not url.startswith((address, "data:", "blob:", "file:")), refuse)
    return reported


@dataclass(frozen=True)
class LivePage:
    """A browser's tab and the website's address."""

    tab: Any
    address: str

    def open(self, name: str, kind: str) -> Any:
        """Open a lesson's page, or one of the website's own; its explorer of that kind."""
        known = {lesson.name for lesson in OUTLINE.lessons}
        path = f"notebooks/{OUTLINE.lesson(name).file[:-6]}" if name in known else name
        self.tab.goto(f"{self.address}{path}.html")
        explorer = self.tab.locator(f"section.live[data-live={kind}]")
        explorer.locator("button, input").first.wait_for()
        return explorer

    def load(self, explorer: Any) -> None:
        explorer.get_by_role("button", name="Load").click()
        explorer.locator(".live-result").wait_for()

    def module(self, script: str, argument: Any = None) -> Any:
        """What a function gives that gets ``load``, which imports one of the website's scripts."""
        return self.tab.evaluate(
            f"argument => ({script})(path => import(`{self.address}_static/live/${{path}}`), argument)",
            argument,
        )

    def start_at(self, explorer: Any) -> None:
        """The keyboard's place just before an explorer, as if the reader had clicked on its title."""
        explorer.locator(".live-title").click()

    def tab_to(self, name: str, most: int = 12) -> None:
        """Press Tab until the control with this name has the focus; each on the way must show that it has."""
        passed = []
        for _ in range(most):
            self.tab.keyboard.press("Tab")
            focus = self.tab.evaluate(FOCUS)
            assert focus["seen"], f"the focus on {focus['name']!r} is not seen"
            if focus["name"].startswith(name):
                return
            passed.append(focus["name"])
        raise AssertionError(f"Tab does not lead to {name!r}, but to {passed}")

    def changed(self, shown: Any, before: str) -> str:
        """What an element says as soon as that is no longer ``before`` nor a count."""
        self.tab.wait_for_function(
            "([element, before]) => element.innerText !== before && !element.innerText.includes('…')",
            arg=[shown.element_handle(), before],
        )
        return shown.inner_text()


def column(explorer: Any, number: int) -> list[str]:
    """A column of an explorer's first table; 0 is the rows' names."""
    rows = explorer.locator("table").first.locator("tbody tr")
    return rows.evaluate_all("(rows, number) => rows.map(row => row.cells[number].textContent)", number)


def as_number(text: str) -> float:
    return float(text.replace("−", "-"))
