"""Start JupyterLab on the first lesson: `make course LAB_ARGS=…`.

Or `python -m tools.setup.start_lab [JupyterLab options]`.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.build.outline import read_outline

ROOT = Path(__file__).resolve().parents[2]
FIRST_LESSON = f"notebooks/{read_outline(ROOT).lessons[0].file}"
# The whole course is served, not only the folder of the first lesson: lessons link to exercises.
OPEN_FIRST_LESSON = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{FIRST_LESSON}"]
# These settings leave out what a learner has no use for: the question about Jupyter news, which needs a
# network, and nbgrader's menus.
SETTINGS = [f"--LabApp.app_settings_dir={Path(__file__).with_name('lab_settings')}"]


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


def start(command: list[str]) -> int:
    """Run JupyterLab until it ends, and say what may help if it failed; its exit code."""
    try:
        code = subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 0
    if code:
        print(
            "\nJupyterLab did not start; its last lines stand above. If the port is taken, choose another: "
            "make course LAB_ARGS='--port 8890'",
            file=sys.stderr,
        )
    return code


if __name__ == "__main__":
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    sys.exit(start(lab_command(sys.argv[1:], dict(os.environ), sys.platform, is_root)))
