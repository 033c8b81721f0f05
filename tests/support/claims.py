"""What a built lesson claims is tested again when its cells are run: a claim that fails fails its cell."""

from typing import Any

import pytest

from tools.build.claims import expressions, judged

SECONDS = 300


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """After a notebook's cell, its claims in the same kernel."""
    outcome = yield
    cell = getattr(item, "cell", None)
    if cell and (asked := expressions(cell)):
        judged(cell, evaluated(item.parent.kernel, asked))  # type: ignore[union-attr]
    return outcome


def evaluated(kernel: Any, asked: dict[str, str]) -> dict[str, Any]:
    """The answer of nbval's kernel to ``user_expressions``, by a request that prints and counts nothing."""
    request = kernel.kc.execute("", silent=True, store_history=False, user_expressions=asked)
    while True:
        reply = kernel.get_message("shell", timeout=SECONDS)
        if reply["parent_header"].get("msg_id") == request:
            return reply["content"]["user_expressions"]
