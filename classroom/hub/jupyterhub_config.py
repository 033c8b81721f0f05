"""JupyterHub's settings for a class on one machine: `jupyterhub -f jupyterhub_config.py`, as root.

Each student and the teacher have an account of the system. docs/hub.md says what to do first.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlencode

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# What you may want to change

PLACE = Path(os.environ.get("COURSE_HUB", "/srv/reranking"))  # course/, models/, exchange/ and handout.git
PORT = int(os.environ.get("COURSE_HUB_PORT", "8000"))  # and the two after it, for the hub and its proxy
GROUP = "reranking"  # who may log in: the members of this group of the system
MEMORY = 4_000_000_000  # bytes for each process; the kernel of the largest lesson takes 2.2 GB
IDLE = 3600  # seconds after which an unused kernel ends, and a server without one

# Where people come in: the proxy, on the loopback address. What speaks TLS stands in front of it.

COURSE = PLACE / "course"
c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{PORT + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PORT + 2}"
c.ConfigurableHTTPProxy.command = [
    str(COURSE / "classroom" / "hub" / "node_modules" / ".bin" / "configurable-http-proxy")
]

# Who comes in: accounts of the system, with the system's passwords.

c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {GROUP}

# What a server of a student is, and what is in its environment. Nothing else comes out of the hub's: no
# proxy, no key, no PYTHONPATH. The models are written once, by root, and read by all.

BIN = Path(sys.prefix) / "bin"
c.JupyterHub.spawner_class = "localprocess"
c.Spawner.cmd = ["prlimit", f"--data={MEMORY}", str(BIN / "jupyterhub-singleuser")]
c.Spawner.env_keep = ["LANG", "LC_ALL"]
c.Spawner.environment = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "COURSE_HUB": str(PLACE),
    "RERANK_COURSE_CACHE": str(PLACE / "models"),
    "JUPYTER_PREFER_ENV_PATH": "1",  # no kernel in a student's home takes the place of the course's
    "JUPYTER_CONFIG_PATH": str(COURSE / "classroom" / "hub" / "settings"),
    "PYTHONNOUSERSITE": "1",
}
c.Spawner.args = [
    f"--LabApp.app_settings_dir={COURSE / 'tools' / 'setup' / 'lab_settings'}",
    f"--MappingKernelManager.cull_idle_timeout={IDLE}",
    "--MappingKernelManager.cull_connected=True",
]
c.Spawner.start_timeout = 120  # thirty people who come at once start thirty servers

# What a student sees first: the newest course, pulled into the home folder, and its first lesson.

FIRST = min(path.name for path in (COURSE / "notebooks").glob("*.ipynb"))
PULL = {
    "repo": str(PLACE / "handout.git"),
    "branch": "main",
    "targetpath": "reranking-course",
    "urlpath": f"lab/tree/reranking-course/notebooks/{FIRST}",
}
c.Spawner.default_url = f"/git-pull?{urlencode(PULL)}"

# Servers that nobody uses end, and give their memory back.

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
