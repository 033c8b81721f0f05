"""A real browser and a real JupyterLab for tests: the system's Chromium, and a copy of the course.

The copy is served as `make course` does.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

ARTEFACTS = ROOT / "test-artefacts"
LAPTOP = {"width": 1366, "height": 768}
COPIED = ("notebooks", "exercises", "lessons", "tools")
HOW_TO_GET_IT = (
    "No Chromium was found. On Debian: apt-get install chromium. "
    "Elsewhere put chromium or google-chrome on the PATH."
)
SECONDS = 60  # that a server may take to start


def chromium_path() -> str | None:
    """The system's Chromium or Chrome, or ``None``."""
    return next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
        ),
        None,
    )


needs_chromium = pytest.mark.skipif(chromium_path() is None, reason=HOW_TO_GET_IT)


@contextmanager
def launch_chromium() -> Iterator[Any]:
    """A headless browser of Playwright's synchronous API.

    No second one, and no asyncio.run(), can run in the same thread beside it.
    """
    from playwright.sync_api import sync_playwright

    # Chromium's sandbox does not work for root, as in a container.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox"] if is_root else []
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its ``url``, which ends with a slash, its ``token``, and its ``course``."""

    url: str
    token: str
    course: Path

    def address(self, notebook: str = "") -> str:
        """The URL that opens a notebook, by its path; without one, what JupyterLab opens by itself."""
        return f"{self.url}{f'lab/tree/{notebook}' if notebook else ''}?token={self.token}"

    def ask(self, path: str, method: str = "GET") -> Any:
        """What the server's REST API answers; ``None`` if that is nothing."""
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=30
        ) as response:
            return json.loads(response.read() or "null")

    def tidy(self) -> None:
        """Stop the kernels, of which each with two models holds a gigabyte, and forget what was open."""
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")
        for workspace in self.ask("lab/api/workspaces")["workspaces"]["ids"]:
            self.ask(f"lab/api/workspaces/{workspace}", "DELETE")


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Lab]:
    """Copy the course into ``folder`` and start it there as `make course` does, on a free port.

    Jupyter's folders stand beside it. The models come from the shared cache, and ``rerank_course`` is the
    installed one.

    Raises:
        RuntimeError: the server did not start; what it printed is in the message.
    """
    course, jupyter = folder / "course", folder / "jupyter"
    _copy_course(course)
    _write_settings(jupyter / "settings")
    process = _start_lab(course, jupyter)
    try:
        lab = _wait_for_lab(process, jupyter, course)
        yield lab
        lab.ask("api/shutdown", "POST")
        # A server that is told to end while a kernel still starts sometimes waits for ever.
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start_lab(course: Path, jupyter: Path) -> subprocess.Popen:
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    environment = os.environ | {variable: str(jupyter / name) for variable, name in folders.items()}
    options = ["--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    options.append("--LabApp.expose_app_in_browser=True")
    command = [sys.executable, "-m", "tools.setup.start_lab", *options]
    with (jupyter / "log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            command,
            cwd=course,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _copy_course(course: Path) -> None:
    for name in COPIED:
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__"))


def _write_settings(folder: Path) -> None:
    """Cells below the screen are drawn too, and the last cell ends the page.

    So a test and a screenshot see the whole of it.
    """
    settings = folder / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none", "scrollPastEnd": False}), encoding="utf-8")


def _wait_for_lab(process: subprocess.Popen, jupyter: Path, course: Path) -> Lab:
    deadline = time.monotonic() + SECONDS
    while not (
        found := [
            text
            for path in (jupyter / "runtime").glob("jpserver-*.json")
            if (text := path.read_text(encoding="utf-8")).endswith("}")
        ]
    ):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("JupyterLab did not start:\n" + (jupyter / "log").read_text(encoding="utf-8"))
        time.sleep(0.1)
    server = json.loads(found[0])
    return Lab(server["url"], server["token"], course)
