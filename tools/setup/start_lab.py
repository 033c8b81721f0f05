"""Start JupyterLab on the first lesson: `python tools/lab.py [JupyterLab options]`, or `make course
LAB_ARGS=…`.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_LESSON = "notebooks/00_start_here.ipynb"
# The whole course is served, not only the folder of the first lesson: lessons link to exercises.
OPEN_FIRST_LESSON = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}"]
# tools/lab/ leaves out what a learner has no use for: the question about Jupyter news, which needs a network,
# and nbgrader's menus.
SETTINGS = [f"--LabApp.app_settings_dir={ROOT / 'tools' / 'lab'}"]


def lab_command(options: list[str], environment: dict[str, str], platform: str, is_root: bool) -> list[str]:
    """The command that starts JupyterLab.

    Without a display it only serves and prints its URL, for a browser elsewhere. For root, as in a container,
    Jupyter wants to be told that this is meant.
    """
    has_display = platform in ("darwin", "win32") or any(
        environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    flags = ([] if has_display else ["--no-browser"]) + (["--allow-root"] if is_root else [])
    return [sys.executable, "-m", "jupyterlab", *flags, *OPEN_FIRST_LESSON, *SETTINGS, *options]


if __name__ == "__main__":
    command = lab_command(
        sys.argv[1:], dict(os.environ), sys.platform, hasattr(os, "geteuid") and os.geteuid() == 0
    )
    try:
        code = subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        code = 0
    if code:
        print(
            "\nJupyterLab did not start; its last lines stand above. If the port is taken, choose another: "
            "make course LAB_ARGS='--port 8890'",
            file=sys.stderr,
        )
    sys.exit(code)
