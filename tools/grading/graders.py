"""Start a process for each submission, with all that it needs in a folder of its own, and read its answer."""

import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.grading import preloaded, sandbox
from tools.grading.exercises import Exercise
from tools.grading.limits import END_SECONDS
from tools.grading.results import refusal

ROOT = Path(__file__).resolve().parents[2]


class Graders:
    """What starts the grading processes; a context manager that ends all of them."""

    def __init__(self, scratch: Path, root: Path, limits: dict, isolated: bool) -> None:
        """
        Args:
            scratch: a folder for all that is needed and need not stay.
            root: of the course, whose package is copied.
            limits: see limits.py.
            isolated: whether the sandbox is to be used.
        """
        self.scratch, self.root, self.limits, self.isolated = scratch, root.absolute(), limits, isolated
        self.package = scratch / "package"
        self.server: preloaded.Server | None = None
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / "rerank_course", self.package / "rerank_course", ignore=ignored)
        compileall.compile_dir(self.package, quiet=2)  # once, not in each sandbox

    def __enter__(self) -> "Graders":
        if preloaded.WORKS:
            box = self.scratch / "server-box"
            _make_folders(box, "home", "tmp")
            self.server = preloaded.Server(self.scratch, environment(box, self.package)).__enter__()
        return self

    def __exit__(self, *error) -> None:
        if self.server:
            self.server.__exit__(*error)

    def grade(self, content: bytes, exercise: Exercise, graded: Path) -> dict:
        """Grade one submission.

        Args:
            content: of its file.
            graded: where to write the graded notebook.

        Returns:
            The answer of grade_one.py; with "again" if it is no answer to keep.
        """
        folder = Path(tempfile.mkdtemp(prefix="s", dir=self.scratch))
        _make_folders(folder / "box", "work", "home", "tmp")
        if not self.isolated:  # a copy for each: what a submission does to it ends with it
            shutil.copytree(self.package, folder / "package")
        shutil.copy(exercise.gradebook, folder / "gradebook.db")
        (folder / "submission").write_bytes(content)
        job = self._job(folder, exercise, graded)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        answer = self._answer(folder)
        shutil.rmtree(folder, ignore_errors=True)
        return answer

    def _job(self, folder: Path, exercise: Exercise, graded: Path) -> dict:
        """See grade_one.py."""
        box, package = folder / "box", self.package if self.isolated else folder / "package"
        return {
            "box": str(box),
            "content": str(folder / "submission"),
            "exercise": exercise.name,
            "trusted": str(exercise.trusted),
            "released": str(exercise.released),
            "course": str(self.root),
            "imports": exercise.imports,
            "isolated": self.isolated,
            "visible": sandbox.readable_folders(package, _models()),
            "environment": environment(box, package),
            "limits": self.limits,
            "answer": str(folder / "answer.json"),
            "graded": str(graded.absolute()),
        }

    def _answer(self, folder: Path) -> dict:
        process = self._start(folder / "job.json", folder / "log")
        try:
            process.wait(timeout=self.limits["seconds"] + END_SECONDS)
        except subprocess.TimeoutExpired:  # the submission has confused the process that watches it
            process.kill()
            process.wait()
        try:
            return json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            log = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            said = log[-1][:300] if log else "it said nothing"
            why = f"the grading process stopped (status {process.returncode}): {said}"
            return refusal(why) | {"again": True}

    def _start(self, job: Path, log: Path):
        if self.server:
            return self.server.start(job, log)
        return subprocess.Popen(
            [sys.executable, "-m", "tools.grading.grade_one", str(job)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=log.open("wb"),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def make_models() -> None:
    """What the first load of a model writes into the cache: submissions can only read it."""
    from rerank_course.engine.int8 import int8_folder
    from rerank_course.engine.weights import reranker_folder

    reranker_folder()
    int8_folder()


def _models() -> Path:
    from rerank_course.engine.cache import cache_folder

    return cache_folder()


def _make_folders(parent: Path, *names: str) -> None:
    for name in names:
        (parent / name).mkdir(parents=True)


def environment(box: Path, package: Path) -> dict[str, str]:
    """Nothing of the teacher's own environment: a name in it may hold a key."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "HOME": str(box / "home"),
        "TMPDIR": str(box / "tmp"),
        "MPLCONFIGDIR": str(box / "home"),
        "IPYTHONDIR": str(box / "home"),
        "JUPYTER_RUNTIME_DIR": str(box / "home"),
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
        "RERANK_COURSE_CACHE": str(_models()),
        "RERANK_COURSE_PROGRESS": "",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NBGRADER_EXECUTION": "autograde",
    }
