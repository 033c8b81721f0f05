"""An environment for each group of clients, in a folder of its own; the course's is never touched."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".interop"
REQUIREMENTS = ROOT / "requirements"
INSTALL_SECONDS = 1800


class NotInstalledError(RuntimeError):
    """An environment could not be made; the text says why."""


@dataclass(frozen=True)
class Environment:
    """Python packages that go together.

    Attributes:
        name: of its folder, and of ``requirements/interop-NAME.txt``.
        clients: the modules of ``tools.interop.clients`` that run in it.
        with_course: whether it also sees what the course's own environment holds, after its own.
    """

    name: str
    clients: tuple[str, ...]
    with_course: bool = False

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def requirements(self) -> Path:
        return REQUIREMENTS / f"interop-{self.name}.txt"

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


ENVIRONMENTS = (
    Environment("cohere5", ("cohere_sdk", "langchain_clients")),
    Environment("cohere6", ("cohere_sdk", "llama_index_clients")),
    Environment("cohere7", ("cohere_sdk", "haystack_clients", "litellm_clients", "rerankers_clients")),
    Environment("local", ("local_rerankers",), with_course=True),
)
NODE_PACKAGES = ("cohere-ai", "cohere-ai-7")


def prepare(environment: Environment) -> None:
    """Make the environment if it is not there, or if its list has changed.

    Raises:
        NotInstalledError: it cannot be made; the next run begins anew.
    """
    mark = environment.folder / "installed"
    wanted = _fingerprint(environment.requirements, sys.version, str(environment.with_course))
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(environment.folder, ignore_errors=True)
    make_folder()
    print(f"installing {environment.requirements.relative_to(ROOT)} …", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", str(environment.folder)])
    if environment.with_course:
        _add_the_course(environment)
    pip = [str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--requirement", str(environment.requirements)])
    mark.write_text(wanted, encoding="utf-8")


def prepare_node() -> Path:
    """The folder with the packages of npm.

    Raises:
        NotInstalledError: npm or node is missing, or cannot install them.
    """
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise NotInstalledError(f"{program} is not installed")
    folder, source = FOLDER / "node", REQUIREMENTS / "interop-node.json"
    mark, wanted = folder / "installed", _fingerprint(source)
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        make_folder()
        folder.mkdir()
        shutil.copy(source, folder / "package.json")
        print(f"installing {source.relative_to(ROOT)} …", file=sys.stderr, flush=True)
        _run([str(shutil.which("npm")), "install", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
        mark.write_text(wanted, encoding="utf-8")
    return folder


def make_folder() -> None:
    """The folder for all of them, which tells git and the tools that read it to leave it alone."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")


def _add_the_course(environment: Environment) -> None:
    """Let it see the packages of the environment that runs this, behind its own."""
    where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    own = _run([str(environment.python), "-c", where]).strip()
    courses = _run([sys.executable, "-c", where]).strip()
    Path(own, "the_course.pth").write_text(f"{courses}\n", encoding="utf-8")


def _fingerprint(file: Path, *more: str) -> str:
    return hashlib.sha256("\n".join([file.read_text(encoding="utf-8"), *more]).encode()).hexdigest()


def _run(command: list[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"{Path(command[0]).name}: {error}"[:200]) from None
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        reasons = [line for line in lines if "error" in line.lower()] or lines[-1:]
        raise NotInstalledError(f"{' '.join(command[1:4])}: {' '.join(reasons[:2])}"[:300])
    return done.stdout
