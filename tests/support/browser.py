"""A real browser and a real JupyterLab for tests: the system's Chromium, and a copy of the course served as
`make course` does.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ARTEFACTS = ROOT / "test-artefacts"
LAPTOP = {"width": 1366, "height": 768}
COPIED = ("notebooks", "exercises", "tools/lab", "tools/lab.py")
HOW_TO_GET_IT = "No Chromium was found. On Debian: apt-get install chromium. Elsewhere put chromium or google-chrome on the PATH."
SECONDS = 60  # that a server may take to start, or to end


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
    """A headless browser of Playwright's synchronous API. No second one, and no asyncio.run(), can run in the
    same thread beside it.
    """
    from playwright.sync_api import sync_playwright

    is_root = (
        hasattr(os, "geteuid") and os.geteuid() == 0
    )  # Chromium's sandbox does not work for root, as in a container
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
    """A running JupyterLab: its ``url``, which ends with a slash, its ``token``, and the folder of the copied
    ``course``.
    """

    url: str
    token: str
    course: Path

    def address(self, notebook: str = "") -> str:
        """The URL that opens a notebook, ``notebooks/00_start_here.ipynb`` for example; without one, what
        JupyterLab opens by itself.
        """
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
        """Stop the kernels, of which each with two models in it holds a gigabyte, and forget which notebooks
        were open.
        """
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")
        for workspace in self.ask("lab/api/workspaces")["workspaces"]["ids"]:
            self.ask(f"lab/api/workspaces/{workspace}", "DELETE")


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Lab]:
    """Copy the course into ``folder`` and start it there with its own tools/lab.py, on a free port, with
    Jupyter's folders beside it.

    The models come from the shared cache, and ``rerank_course`` is the installed one.

    Raises:
        RuntimeError: the server did not start; what it printed is in the message.
    """
    course, jupyter = folder / "course", folder / "jupyter"
    _copy_course(course)
    _write_settings(jupyter / "settings")
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    folders |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    environment = os.environ | {variable: str(jupyter / name) for variable, name in folders.items()}
    command = [
        sys.executable,
        str(course / "tools" / "lab.py"),
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
    ]
    with (jupyter / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, "--LabApp.expose_app_in_browser=True"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        lab = _wait_for_lab(process, jupyter, course)
        try:
            yield lab
        finally:
            lab.ask("api/shutdown", "POST")
            process.wait(SECONDS)
    finally:
        process.kill()


def _copy_course(course: Path) -> None:
    for name in COPIED:
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, course / name)


def _write_settings(folder: Path) -> None:
    """Cells below the screen are drawn too, and the last cell ends the page, so that a test and a screenshot
    see the whole of it.
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
