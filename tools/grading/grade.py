"""Grade what a class handed in: `make grade SUBMISSIONS=folder [OUT=folder]`.

Reads one folder or one zip for each student, or flat files ``student__exercise.ipynb``. Writes to OUT:

    grades.csv             one line for each student and exercise
    needs_a_teacher.csv    answers to read, submissions that could not be graded, and what looks odd
    feedback/<student>.html

Each submission runs in a process and, where the system allows it, a sandbox of its own (tools/grade_one.py,
tools/sandbox.py). Each result is kept in OUT/.results as soon as it is there: a run that was stopped goes on
where it was, and only what has changed is graded again.
"""

import argparse
import ast
import compileall
import csv
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    SaveCells,
)

from tools.build import notebooks as build
from tools.grading import collect, preloaded, sandbox

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
COLUMNS = ("student", "exercise", "points", "max points", "status", "note")
# In the feedback files: what a student wrote is shown; no script of it runs and nothing is fetched.
POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:">"""
LIMITS = {
    "seconds": 300,  # for one submission
    "cell_seconds": 60,  # for one cell
    "memory": 4_000_000_000,  # bytes, of all its processes together
    "address_space": 16_000_000_000,  # bytes, of each: torch and its threads reserve far more than they use
    "processes": 50,
    "threads": 400,
    "file": 200_000_000,  # bytes, one file
    "disk": 500_000_000,  # bytes, all its files
    "output": 500_000_000,  # characters, of all cells; the feedback keeps little of it
}


@dataclass
class Exercise:
    """An exercise as it is graded and as it was handed out, in files that grade_one.py reads."""

    name: str
    trusted: Path
    released: Path
    gradebook: Path  # nbgrader's, with this exercise and one student; each submission gets a copy
    imports: str
    points: float
    fingerprint: str


@dataclass
class Result:
    student: str
    exercise: str
    points: float | None = None
    max_points: float | None = None
    refused: str = ""
    to_read: list = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    notebook: Path | None = None

    @property
    def status(self) -> str:
        return (
            "could not be graded" if self.refused else "written answers to read" if self.to_read else "graded"
        )

    @property
    def note(self) -> str:
        if self.refused:
            return f"could not be graded, because {self.refused}"
        open_points = sum(points for _, points in self.to_read)
        return f"up to {open_points:g} more points for written answers" if self.to_read else ""


def prepare(folder: Path, root: Path = ROOT) -> dict[str, Exercise]:
    """All exercises of ``root/solutions``, made ready to grade with in ``folder``.

    Raises:
        SystemExit: there is none.
    """
    exercises = {}
    package = build.fingerprint(nbformat.v4.new_notebook(), root)
    package += "".join(
        (HERE / f"{name}.py").read_text(encoding="utf-8")
        for name in ("collect", "guard", "grade_one", "preloaded", "sandbox")
    )
    for path in sorted((root / "solutions").glob("ex*.ipynb")):
        source = nbformat.read(path, as_version=4)
        _check_current(path, source, root)
        trusted = _preprocess(
            source, ClearSolutions, LockCells, ClearOutput, CheckCellMetadata, ComputeChecksums
        )
        released = build.to_exercise(source)
        files = folder / f"{path.stem}-trusted.ipynb", folder / f"{path.stem}-released.ipynb"
        for notebook, file in zip((trusted, released), files):
            nbformat.write(notebook, file)
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in trusted.cells)
        fingerprint = hashlib.sha256(files[0].read_bytes() + package.encode()).hexdigest()
        _open_gradebook(path.stem, trusted, folder / f"{path.stem}.db")
        exercises[path.stem] = Exercise(
            path.stem, *files, folder / f"{path.stem}.db", _course_imports(trusted), points, fingerprint
        )
    if not exercises:
        sys.exit(f"There is no exercise in {root / 'solutions'}. Build them first: make build")
    return exercises


def _check_current(path: Path, built: NotebookNode, root: Path) -> None:
    """Grading with yesterday's tests would be worse than not grading."""
    text = root / "lessons" / "exercises" / f"{path.stem}.py"
    if text.exists() and [cell.source for cell in build.read_source(text, root).cells] != [
        cell.source for cell in built.cells
    ]:
        sys.exit(f"{path} is older than its source, {text}. Build it first: make build ONLY={path.stem}")


def _preprocess(notebook: NotebookNode, *steps) -> NotebookNode:
    notebook, resources = nbformat.from_dict(notebook), {}
    for step in steps:
        notebook, resources = step().preprocess(notebook, resources)
    return notebook


def _open_gradebook(exercise: str, trusted: NotebookNode, file: Path) -> None:
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )  # nbgrader calls alembic by its name
    with Gradebook(f"sqlite:///{file}") as gradebook:
        gradebook.add_assignment(exercise)
    resources = {"nbgrader": {"notebook": exercise, "assignment": exercise, "db_url": f"sqlite:///{file}"}}
    SaveCells().preprocess(nbformat.from_dict(trusted), resources)
    with warnings.catch_warnings(), Gradebook(f"sqlite:///{file}") as gradebook:
        warnings.simplefilter("ignore")  # SQLAlchemy's, about nbgrader's own queries
        gradebook.add_student("student")
        gradebook.add_submission(exercise, "student")


def _course_imports(notebook: NotebookNode) -> str:
    """The exercise's own imports from the course's package: run again before each graded cell."""
    lines = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rerank_course"):
                    lines.append(ast.unparse(node))
    return "\n".join(dict.fromkeys(lines))


class Grading:
    """One run over a folder of submissions."""

    def __init__(
        self,
        submissions: Path,
        out: Path,
        root: Path = ROOT,
        limits: dict | None = None,
        jobs: int = 0,
        isolated: bool | None = None,
    ) -> None:
        self.submissions, self.out, self.root, self.limits = submissions, out, root, LIMITS | (limits or {})
        self.jobs = jobs or max(1, os.cpu_count() or 1)
        self.isolated = sandbox.can_isolate() if isolated is None else isolated
        self.kept = out / ".results"

    def run(self) -> list[Result]:
        """Grade what has not been graded yet, write the reports, return all results."""
        self.kept.mkdir(parents=True, exist_ok=True)
        _make_models()
        with tempfile.TemporaryDirectory(prefix="grading-") as scratch:
            self.scratch = Path(scratch)
            self.exercises = prepare(self.scratch, self.root)
            self.package = self.scratch / "package"
            shutil.copytree(
                self.root / "rerank_course",
                self.package / "rerank_course",
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            compileall.compile_dir(self.package, quiet=2)  # once, not in each sandbox
            found = collect.collect(self.submissions, self.exercises)
            results = [self._kept(submission) for submission in found]
            waiting = [index for index, result in enumerate(results) if result is None]
            print(f"{len(found)} submissions; {len(found) - len(waiting)} were graded before.", flush=True)
            with (
                self._server() if waiting else nullcontext() as self.server,
                ThreadPoolExecutor(self.jobs) as pool,
            ):
                running = {pool.submit(self._grade, found[index]): index for index in waiting}
                for number, done in enumerate(as_completed(running), start=1):
                    result = results[running[done]] = done.result()
                    points = "–" if result.points is None else f"{result.points:g} of {result.max_points:g}"
                    print(
                        f"  {number}/{len(waiting)}  {result.student}  {result.exercise}  {points}  {result.status}",
                        flush=True,
                    )
            write_reports(results, self.out)
        return results

    def _key(self, submission: collect.Submission) -> str:
        """Changes with all that decides a grade: who, what, the exercise, the package and the limits."""
        exercise = self.exercises.get(submission.exercise)
        parts = [
            submission.student,
            submission.exercise or submission.origin,
            submission.hash,
            exercise.fingerprint if exercise else "",
        ]
        return hashlib.sha256(json.dumps([*parts, sorted(self.limits.items())]).encode()).hexdigest()[:32]

    def _kept(self, submission: collect.Submission) -> Result | None:
        file = self.kept / f"{self._key(submission)}.json"
        try:
            answer = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return self._result(submission, answer)

    def _result(self, submission: collect.Submission, answer: dict) -> Result:
        exercise, notebook = (
            self.exercises.get(submission.exercise),
            self.kept / f"{self._key(submission)}.ipynb",
        )
        return Result(
            submission.student,
            submission.exercise or submission.origin,
            answer["points"],
            exercise.points if exercise else None,
            answer["refused"],
            answer["to_read"],
            [*submission.notes, *answer["notes"]],
            notebook if notebook.exists() and not answer["refused"] else None,
        )

    def _grade(self, submission: collect.Submission) -> Result:
        """Grade one submission in a process of its own; keep the answer."""
        answer = {"points": None, "to_read": [], "notes": [], "refused": submission.refused}
        if not submission.refused:
            answer = self._run(submission)
        if not answer.pop("again", False):
            _write(
                self.kept / f"{self._key(submission)}.json",
                json.dumps(answer | {"student": submission.student, "exercise": submission.exercise}),
            )
        return self._result(submission, answer)

    def _server(self):
        """What starts the grading processes; ``None`` where each is a command of its own."""
        if not preloaded.WORKS:
            return nullcontext()
        box = self.scratch / "server-box"
        for inner in ("home", "tmp"):
            (box / inner).mkdir(parents=True)
        return preloaded.Server(self.scratch, _environment(box, self.package))

    def _start(self, job: Path, log: Path):
        if self.server:
            return self.server.start(job, log)
        command = [sys.executable, str(HERE / "grade_one.py"), str(job)]
        return subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=log.open("wb"),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _run(self, submission: collect.Submission) -> dict:
        folder = Path(tempfile.mkdtemp(prefix="s", dir=self.scratch))
        box, package = folder / "box", folder / "package"
        for inner in ("work", "home", "tmp"):
            (box / inner).mkdir(parents=True)
        # A copy for each: what a submission does to it ends with it, also where there is no sandbox.
        shutil.copytree(self.package, package)
        before = _hash(package)
        exercise = self.exercises[submission.exercise]
        shutil.copy(exercise.gradebook, folder / "gradebook.db")
        (folder / "submission").write_bytes(submission.content)
        graded = self.kept / f"{self._key(submission)}.ipynb"
        job = {
            "box": str(box),
            "content": str(folder / "submission"),
            "exercise": exercise.name,
            "trusted": str(exercise.trusted),
            "released": str(exercise.released),
            "package": str(package / "rerank_course"),
            "imports": exercise.imports,
            "isolated": self.isolated,
            "visible": sandbox.readable_folders(package, *_models()),
            "environment": _environment(box, package),
            "limits": self.limits,
            "answer": str(folder / "answer.json"),
            "graded": str(graded),
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        process = self._start(folder / "job.json", folder / "log")
        try:
            process.wait(timeout=self.limits["seconds"] + 60)
        except subprocess.TimeoutExpired:  # the submission has confused the process that watches it
            process.kill()
            process.wait()
        try:
            answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            log = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            why = f"the grading process stopped (status {process.returncode}): {log[-1][:300] if log else 'it said nothing'}"
            answer = {"points": None, "to_read": [], "notes": [], "refused": why, "again": True}
        if _hash(package) != before:
            answer |= {
                "points": None,
                "to_read": [],
                "refused": "it changed the files of the course's package, its checks among them",
            }
        shutil.rmtree(folder, ignore_errors=True)
        return answer


def _hash(folder: Path) -> str:
    """Of all files in a folder, their names and what they hold."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(
        b"".join(hashlib.sha256(str(path).encode() + b"\0" + path.read_bytes()).digest() for path in files)
    ).hexdigest()


def _models() -> list[Path]:
    from rerank_course.engine.cache import cache_folder

    return [cache_folder()]


def _make_models() -> None:
    """What the first load of a model writes into the cache: submissions can only read it."""
    from rerank_course.engine.int8 import int8_folder
    from rerank_course.engine.weights import reranker_folder

    reranker_folder()
    int8_folder()


def _environment(box: Path, package: Path) -> dict[str, str]:
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
        "RERANK_COURSE_CACHE": str(_models()[0]),
        "RERANK_COURSE_PROGRESS": "",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NBGRADER_EXECUTION": "autograde",
    }


# Reports


def write_reports(results: list[Result], out: Path) -> None:
    """grades.csv, needs_a_teacher.csv and feedback/, each written whole or not at all."""
    rows = [
        (
            r.student,
            r.exercise,
            "" if r.points is None else f"{r.points:g}",
            "" if r.max_points is None else f"{r.max_points:g}",
            r.status,
            r.note,
        )
        for r in results
    ]
    _write_csv(out / "grades.csv", COLUMNS, rows)
    _write_csv(
        out / "needs_a_teacher.csv",
        ("student", "exercise", "what", "details"),
        [row for result in results for row in _for_the_teacher(result)],
    )
    feedback = out / "feedback"
    feedback.mkdir(exist_ok=True)
    by_student: dict[str, list[Result]] = {}
    for result in results:
        by_student.setdefault(result.student, []).append(result)
    for student, theirs in by_student.items():
        _write(feedback / f"{_file_name(student)}.html", feedback_page(student, theirs))


def _for_the_teacher(result: Result):
    if result.refused:
        yield result.student, result.exercise, "not graded", result.note
    for name, points in result.to_read:
        yield (
            result.student,
            result.exercise,
            "read",
            f"{name}: up to {points:g} points; the answer stands in the student's feedback file",
        )
    for note in result.notes:
        yield result.student, result.exercise, "look", note


def _write_csv(file: Path, columns: tuple, rows: list[tuple]) -> None:
    scratch = file.with_suffix(".csv.part")
    with scratch.open(
        "w", encoding="utf-8-sig", newline=""
    ) as handle:  # the mark at the start tells spreadsheets that it is UTF-8
        writer = csv.writer(handle)
        writer.writerow(columns)
        writer.writerows([[_cell(value) for value in row] for row in rows])
    os.replace(scratch, file)


def _cell(value: str) -> str:
    """A spreadsheet runs what begins like a formula; a student's name or file could."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _write(file: Path, text: str) -> None:
    scratch = file.with_name(file.name + ".part")
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, file)


def _file_name(student: str) -> str:
    """The student's name as a file name; what had to be replaced is made unique by a few letters of its hash."""
    safe = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", student).strip(". ") or "student"
    return safe if safe == student else f"{safe}-{hashlib.sha256(student.encode()).hexdigest()[:6]}"


def feedback_page(student: str, results: list[Result]) -> str:
    """One page in nbgrader's feedback template for all of a student's exercises: no hidden test, no traceback
    through one.
    """
    cells = []
    for result in results:
        points = (
            "not graded" if result.points is None else f"{result.points:g} of {result.max_points:g} points"
        )
        cells.append(
            nbformat.v4.new_markdown_cell(
                f"# {html.escape(result.exercise)}: {points}\n\n{html.escape(result.note)}"
            )
        )
        if result.notebook:
            cells += _shown(nbformat.read(result.notebook, as_version=4)).cells
    score, most = (
        sum(value or 0 for value in values) for values in zip(*((r.points, r.max_points) for r in results))
    )
    resources = {
        "nbgrader": {"notebook": html.escape(student), "score": score, "max_score": most, "late_penalty": 0}
    }
    exporter = _exporter()
    page, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells), resources=resources)
    return page.replace("<head>", f"<head>\n{POLICY}", 1)


def _shown(notebook: NotebookNode) -> NotebookNode:
    notebook, _ = ClearHiddenTests(enforce_metadata=False).preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
    return notebook


def _exporter():
    """nbgrader's own feedback template; ``POLICY`` keeps the reader's browser from running what students
    wrote.
    """
    import nbgrader
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    pages = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
    options = Config()
    options.HTMLExporter.template_name = "feedback"
    options.HTMLExporter.extra_template_basedirs = [str(pages / "templates")]
    options.HTMLExporter.extra_template_paths = [
        str(pages / "static" / "node_modules" / "bootstrap" / "dist" / "css")
    ]
    options.HTMLExporter.sanitize_html = True
    return HTMLExporter(config=options)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Grade what a class handed in.")
    parser.add_argument(
        "submissions",
        type=Path,
        help="a folder with one folder or zip per student, or with files student__exercise.ipynb",
    )
    parser.add_argument(
        "out",
        type=Path,
        nargs="?",
        default=Path("grading"),
        help="where to write grades.csv, needs_a_teacher.csv and feedback/",
    )
    parser.add_argument(
        "--jobs", type=int, default=0, help="submissions at a time (as many as there are cores)"
    )
    parser.add_argument("--seconds", type=int, default=LIMITS["seconds"], help="for one submission")
    parser.add_argument("--cell-seconds", type=int, default=LIMITS["cell_seconds"], help="for one cell")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if sys.platform == "win32":
        parser.error(
            "submissions are strangers' code, and Windows has none of the limits that they run under. Grade on Linux, on macOS or in WSL"
        )
    if not options.submissions.is_dir():
        parser.error(
            f"{options.submissions} is not a folder. Give the folder that holds the submissions: make grade SUBMISSIONS=folder"
        )
    started = time.monotonic()
    limits = {"seconds": options.seconds, "cell_seconds": options.cell_seconds}
    grading = Grading(options.submissions, options.out, options.root, limits, options.jobs)
    if not grading.isolated:
        print(
            "This system allows no sandbox: submissions run with limits, but with the network and your files in reach. See docs/teaching.md."
        )
    results = grading.run()
    refused = sum(1 for result in results if result.refused)
    print(
        f"{len(results) - refused} graded, {refused} not, in {time.monotonic() - started:.0f} s. Written to {options.out}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
