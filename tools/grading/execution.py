"""Run a submission's notebook in a kernel inside the sandbox, then each graded cell here, outside.

A cell that takes too much, never ends, or ends its process costs itself: the others run in a fresh kernel,
without it.
"""

import ast
import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import nbformat
from nbclient.client import NotebookClient
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

from tools.grading.kernels import KernelManager, Line, connect, new_kernel_manager
from tools.grading.lending import Session
from tools.grading.limits import (
    CUT_SECONDS,
    KEPT_DATA,
    KEPT_OUTPUT,
    SHARE_FOR_CELLS,
    SHORT_SECONDS,
    START_SECONDS,
    STARTS,
)
from tools.grading.roles import grade_id, is_test
from tools.grading.verdicts import judge
from tools.grading.watch import Watch, end_all_below, resident_here

TROUBLE = (
    CellTimeoutError,
    DeadKernelError,
    RuntimeError,
    CellControlSignal,
    TimeoutError,
    OSError,
    asyncio.CancelledError,
)
CUT = "it broke the connection to its own Python process"


class BoundedOutput(Execute):
    """nbgrader's execution, of whose outputs a bounded part is kept."""

    job: dict
    watch: Watch
    printed, flooded = 0, False

    def process_message(self, msg, cell, cell_index):
        self._count_output(msg)
        self._shorten_output(msg, cell)
        return super().process_message(msg, cell, cell_index)

    def _count_output(self, msg: dict) -> None:
        content = msg["content"]
        parts = (
            [content.get("text", "")] if msg["msg_type"] == "stream" else (content.get("data") or {}).values()
        )
        self.printed += sum(len(str(part)) for part in parts)
        limit = self.job["limits"]["output"]
        if self.printed > limit:
            self.watch.reason = self.watch.reason or f"it printed more than {limit / 1e6:.0f} MB"

    def _shorten_output(self, msg: dict, cell: NotebookNode) -> None:
        content = msg["content"]
        if msg["msg_type"] == "stream":
            so_far = sum(len(str(output.get("text", output.get("data", "")))) for output in cell.outputs)
            if so_far + len(content["text"]) > KEPT_OUTPUT:
                self.flooded = True
                content["text"] = content["text"][: max(0, KEPT_OUTPUT - so_far)]
        elif (
            msg["msg_type"] in ("display_data", "execute_result", "update_display_data")
            and len(str(content.get("data"))) > KEPT_DATA
        ):
            content["data"] = {"text/plain": "… an output of several MB, left out here …"}


class Reached(BoundedOutput):
    """The same, which gives up a cell as soon as it has cut its process off."""

    line: Line | None = None  # to the kernel
    is_cut = False

    def _execute(self, index: int, cell: NotebookNode) -> None:
        try:
            self.execute_cell(cell, index, execution_count=self.code_cells_executed + 1)
        except ValueError:  # whatever came, it was no message of Jupyter's
            self.is_cut = True
            raise RuntimeError(CUT) from None

    async def _async_check_alive(self) -> None:
        """Called every second while a cell runs, and by whoever waits for an answer in vain."""
        await super()._async_check_alive()
        # A process that ends is cut off too: it gets the time to be seen to have ended.
        if self.line is not None and self.line.seconds_cut() > CUT_SECONDS:
            self.is_cut = True
            raise DeadKernelError(CUT)


class Run(Reached):
    """nbgrader's execution, in a sandbox, with bounded outputs; graded cells are judged outside it.

    Attributes:
        stopped: {index of a cell: why its process was ended}.
        late: {index of a cell: the seconds after which it was interrupted}.
        is_complete: whether all cells have run once.
        judged: {index of a graded cell: the error it failed with, or None}.
    """

    def __init__(self, job: dict, watch: Watch, forked=None) -> None:
        self.seconds = job["limits"]["cell_seconds"]
        super().__init__(
            timeout=self.seconds,
            startup_timeout=START_SECONDS,
            store_widget_state=False,
            record_timing=False,
            shutdown_kernel="immediate",
        )
        self.job, self.watch, self.forked = job, watch, forked
        self.handed_out = {cell.source for cell in nbformat.read(job["trusted"], as_version=4).cells}
        self.started = time.monotonic()
        self.at: int | None = None  # the cell that runs
        self.stopped: dict[int, str] = {}
        self.late: dict[int, int] = {}
        self.is_complete = False
        self.judged: dict[int, tuple[str, str] | None] = {}

    def run(self, notebook: NotebookNode) -> None:
        """Execute all cells, then judge the graded ones; again in a fresh kernel where one has ended."""
        NotebookClient.__init__(self, notebook, None)
        for _ in range(STARTS):
            self.reset_execution_trackers()
            if self._once() or self.watch.is_final:
                break
            self._start_again()
        for index in self._waiting():
            why = self.watch.reason or "its notebook ended its Python process too often"
            self.judged[index] = ("Stopped", why)

    def _waiting(self) -> list[int]:
        """The graded cells that have not been judged."""
        cells = enumerate(self.nb.cells)
        return [index for index, cell in cells if is_test(cell) and index not in self.judged]

    def _once(self) -> bool:
        """Whether one kernel lived to the end."""
        self.at = None
        shown = [cell.get("outputs") for cell in self.nb.cells] if self.is_complete else []
        try:
            with self.setup_kernel(), Line(self.kc) as self.line:
                for index, cell in enumerate(self.nb.cells):
                    self.at = index
                    if self._is_run(index, cell):
                        self._execute(index, cell)
                        self._after(index, cell)
                self.at, self.is_complete = None, True
                return self._judge_all()
        except TROUBLE as error:
            if self.at is not None:  # else the kernel did not start, or did not take the lender
                cut = CUT if self.is_cut else ""
                self._stop(self.at, self.watch.reason or cut or why_it_stopped(error, self.seconds))
            return False
        finally:
            # Later runs are for the graded cells; what their functions were called with is not shown.
            for cell, outputs in zip(self.nb.cells, shown):
                if outputs is not None:
                    cell.outputs = outputs

    def _is_run(self, index: int, cell: NotebookNode) -> bool:
        if cell.cell_type != "code" or is_test(cell):
            return False
        if cell.source in {self.nb.cells[stopped].source for stopped in self.stopped}:
            return False  # also one that says the same: it would end as the other did
        is_own = bool(grade_id(cell)) or cell.source not in self.handed_out
        if is_own:
            return True
        share = (time.monotonic() - self.started) / self.job["limits"]["seconds"]
        if share > SHARE_FOR_CELLS:  # what is left is for the graded cells
            return False
        return not (self.stopped and only_shows(cell.source))

    def _after(self, index: int, cell: NotebookNode) -> None:
        """What a cell may have done while it ran."""
        if self.line is not None:
            self.line.forget()
        self.watch.look(at_files=True)
        if self.watch.reason:
            raise RuntimeError(self.watch.reason)
        if any(output.get("ename") == "CellTimeoutError" for output in cell.outputs):
            self.late[index] = self.seconds
            # Whatever it called will be called again, and is not given as much time.
            self.seconds = min(self.seconds, max(SHORT_SECONDS, self.seconds // 3))
            self._limit()

    def _limit(self) -> None:
        """Give each cell from here on ``seconds``."""
        self.timeout = self.seconds
        said = f"The cell did not end within {self.seconds} seconds."
        self.error_on_timeout = {"ename": "CellTimeoutError", "evalue": said, "traceback": []}

    def _judge_all(self) -> bool:
        """Whether the kernel lived until every graded cell was judged."""
        waiting = self._waiting()
        if not waiting:
            return True
        limit = self.job["limits"]["cell_seconds"]
        try:
            session = Session(connect(self.kc, Path(self.job["box"]), limit), self.manager.interrupt_now)
        except TimeoutError:
            why = "its notebook's Python process takes no more code"
            self.judged |= dict.fromkeys(waiting, ("Stopped", why))
            return True
        with session.connection:
            for index in waiting:
                found = judge(self.nb.cells[index].source, self.job["imports"], session, self.seconds)
                reason = self.watch.reason
                if session.dead and reason:
                    found = ("Stopped", f"{session.waiting_for} was stopped: {reason}")
                self.judged[index] = found
                if session.dead:
                    return False
        return True

    def _stop(self, index: int, why: str) -> None:
        """Note why a cell did not end."""
        cell = self.nb.cells[index]
        self.stopped[index] = why
        cell.outputs = [
            *cell.get("outputs", []),
            nbformat.v4.new_output("error", ename="Stopped", evalue=why, traceback=[f"Stopped: {why}"]),
        ]

    def _start_again(self) -> None:
        end_all_below()
        self.forked = None  # one is forked before anything of a submission is read, and has been used
        self.km: KernelManager | None = None
        self.kc = self.line = None
        self.printed, self.is_cut = 0, False
        # What the last one left in the box may hold what its functions were called with.
        empty(Path(self.job["box"]))
        self.watch.start_again()

    def create_kernel_manager(self):
        self._limit()
        self.km = self.manager = new_kernel_manager(self.job, self.forked)
        return self.km

    async def async_start_new_kernel(self, **options) -> None:
        await self.manager.start_kernel(cwd=str(Path(__file__).parent))


def why_it_stopped(error: BaseException, seconds: int) -> str:
    """What happened to a cell that had ``seconds``."""
    if isinstance(error, CellTimeoutError):
        return f"it ran longer than {seconds} seconds and could not be interrupted"
    if isinstance(error, DeadKernelError):
        return "it ended its own Python process"
    return f"it did not run: {error}"


def empty(box: Path) -> None:
    """Take everything out of a box but its empty folders."""
    for path in box.iterdir():
        if path.is_dir() and not path.is_symlink():
            rmtree(path, ignore_errors=True)
            path.mkdir(exist_ok=True)
        else:
            path.unlink(missing_ok=True)


def only_shows(source: str) -> bool:
    """Whether a cell of the hand-out imports and shows something, and leaves nothing behind."""
    with suppress(SyntaxError, ValueError):
        body = ast.parse(source).body
        is_check = any("rerank_course.checks" in (getattr(node, "module", "") or "") for node in body)
        return is_check and all(isinstance(node, (ast.ImportFrom, ast.Expr)) for node in body)
    return False


def execute(job: dict, notebook: NotebookNode, answer: dict, forked=None) -> NotebookNode:
    """The notebook with its outputs; notes for the teacher and the seconds go to ``answer``.

    A graded cell that did not pass holds one error, any other graded cell none.
    """
    watch = Watch(Path(job["box"]), job["limits"], inherited=resident_here() if forked else 0)
    watch.start()
    runner = Run(job, watch, forked)
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        runner.run(notebook)
    finally:
        end_all_below()
        answer["seconds"] = round(time.monotonic() - runner.started, 1)
    for index, found in runner.judged.items():
        cell = notebook.cells[index]
        cell.outputs, cell.execution_count = [], None
        if found is not None:
            name, said = found
            cell.outputs = [
                nbformat.v4.new_output("error", ename=name, evalue=said, traceback=[f"{name}: {said}"])
            ]
    answer["notes"] += _what_it_did(runner)
    return notebook


def _what_it_did(runner: Run) -> list[str]:
    """Notes for the teacher."""
    notes = []
    for index, why in runner.stopped.items():
        notes.append(f"{_place_of(runner.nb.cells, index)} was stopped: {why}; the others ran without it")
    for index, seconds in runner.late.items():
        notes.append(f"{_place_of(runner.nb.cells, index)} did not end within {seconds} seconds")
    if runner.watch.is_final:
        notes.append(f"not all of it was run: {runner.watch.reason}")
    if runner.flooded:
        notes.append("it printed more than is kept; the feedback holds the beginning")
    return notes


def _place_of(cells: list[NotebookNode], index: int) -> str:
    """A cell in words: its id, or its first line and the answer that it stands below."""
    cell = cells[index]
    if grade_id(cell):
        return f"the cell {grade_id(cell)}"
    first = (cell.source.strip().splitlines() or [""])[0][:60]
    above = [grade_id(other) for other in cells[:index] if grade_id(other)]
    return f"the cell {first!r}" + (f", below {above[-1]}," if above else "")
