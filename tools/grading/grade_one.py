"""Grade one submission in a process of its own: `python tools/grade_one.py job.json`. Started by
tools/grade.py.

The notebook runs in a kernel inside tools/sandbox.py; this process talks to it over sockets in the
submission's box, watches what it takes, ends all of it, and lets nbgrader give the points. Whatever a
submission does to this process stays with this submission.

The job: {"box": …, "content": path, "exercise": name, "trusted": path, "released": path, "package": path,
"imports": text, "isolated": bool, "visible": […], "environment": {…}, "limits": {…}, "answer": path,
"graded": path}.
"""

import asyncio
import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from secrets import token_hex

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    GetGrades,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from tools.grading import collect, sandbox

HERE = Path(__file__).resolve().parent
LOOK_EVERY = 0.1  # seconds between two looks at what a submission takes
KEPT_OUTPUT = 100_000  # characters of one cell's output that are kept for the feedback
GUARD = (HERE / "guard.py").read_text(encoding="utf-8")


class Watch(threading.Thread):
    """Looks at all processes below this one, and ends them when they take more than their share; ``reason``
    says what was too much.
    """

    def __init__(self, box: Path, limits: dict) -> None:
        super().__init__(daemon=True)
        self.box, self.limits, self.reason, self.deadline, self.rounds = (
            box,
            limits,
            "",
            time.monotonic() + limits["seconds"],
            0,
        )

    def run(self) -> None:
        while True:
            self.reason = self.reason or self.too_much()
            if self.reason:
                end_all_below()
            time.sleep(LOOK_EVERY)
            self.rounds += 1

    def too_much(self) -> str:
        limits, below = self.limits, below_this()
        if time.monotonic() > self.deadline:
            return f"it ran longer than {limits['seconds']} seconds"
        if len(below) > limits["processes"]:
            return f"it started more than {limits['processes']} processes"
        if sum(map(_resident, below)) > limits["memory"] and sum(map(_own_share, below)) > limits["memory"]:
            return f"it took more than {limits['memory'] / 1e9:.1f} GB of memory"
        if self.rounds % 10 == 0 and _size(self.box) > limits["disk"]:
            return f"it wrote more than {limits['disk'] / 1e6:.0f} MB"
        return ""


def _resident(process: psutil.Process) -> int:
    """Bytes of memory, pages that forked processes share counted for each of them."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _own_share(process: psutil.Process) -> int:
    """The same with shared pages divided among those that share them: exact, and slow to find out."""
    try:
        return process.memory_full_info().pss
    except (psutil.Error, AttributeError):  # hidden from us, or no Linux
        return _resident(process)


def _size(folder: Path) -> int:
    """Bytes in a folder; a file counts for at least one block, so that many empty ones count too."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += max(4096, os.lstat(os.path.join(parent, name)).st_blocks * 512)
            except OSError:
                continue
    return total


def below_this() -> list[psutil.Process]:
    try:
        return psutil.Process().children(recursive=True)
    except psutil.Error:
        return []


def end_all_below() -> None:
    """End every process below this one. In a process namespace the first is enough; without one, again until
    none is left.
    """
    for _ in range(50):
        below = [process for process in below_this() if process.status() != psutil.STATUS_ZOMBIE]
        if not below:
            return
        for process in below:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(below, timeout=0.2)


class KernelManager(AsyncKernelManager):
    """Starts the kernel in a process that has been forked for it, if there is one (tools/preloaded.py), else
    as a command.
    """

    plan, options, forked = None, None, None

    async def _async_launch_kernel(self, kernel_cmd, **kw):
        if self.forked is None:
            return await super()._async_launch_kernel(kernel_cmd, **kw)
        options = [option.format(connection_file=self.connection_file) for option in self.options]
        self.forked.start(self.plan, options)
        self.provisioner.process = self.forked
        self.provisioner.pid = self.provisioner.pgid = self.forked.pid
        self._reconcile_connection_info(self.provisioner.connection_info)


class Run(Execute):
    """nbgrader's execution, with the kernel in a sandbox, a bound on outputs, and a guard before each graded
    cell.
    """

    def __init__(self, job: dict, watch: Watch, forked=None) -> None:
        super().__init__(
            timeout=job["limits"]["cell_seconds"],
            startup_timeout=60,
            store_widget_state=False,
            record_timing=False,
        )
        self.error_on_timeout = {
            "ename": "CellTimeoutError",
            "evalue": f"The cell did not end within {job['limits']['cell_seconds']} seconds.",
            "traceback": [],
        }
        self.forked = forked
        self.job, self.watch, self.changed, self.silenced, self.flooded, self.printed, self.guards = (
            job,
            watch,
            [],
            False,
            False,
            0,
            0,
        )
        self.changed_while_checked = False

    def create_kernel_manager(self):
        job, box = self.job, Path(self.job["box"])
        plan = {
            "isolated": job["isolated"],
            "box": str(box),
            "visible": job["visible"],
            "folder": str(box / "work"),
            "environment": job["environment"],
            "limits": {
                "memory": job["limits"]["address_space"],
                "file": job["limits"]["file"],
                "processes": job["limits"]["threads"],
            },
        }
        # One file per socket: no network needed. The names start with the connection file's, in the box, the
        # same inside and outside.
        self.km = KernelManager(transport="ipc", ip=str(box / "s"), connection_file=str(box / "kernel.json"))
        (box.parent / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        command = [
            sys.executable,
            "-I",
            str(HERE / "sandbox.py"),
            str(box.parent / "plan.json"),
            sys.executable,
            "-m",
            "ipykernel_launcher",
        ]
        options = ["-f", "{connection_file}", "--HistoryManager.enabled=False"]
        self.km.plan, self.km.options, self.km.forked = plan, options, self.forked
        self.km._kernel_spec = KernelSpec(
            argv=[*command, *options], language="python", display_name="Python 3", interrupt_mode="signal"
        )
        return self.km

    async def async_start_new_kernel(self, **options) -> None:
        self.km.extra_env = {}
        await self.km.start_kernel(cwd=str(HERE))

    def process_message(self, msg, cell, cell_index):
        self.printed += (
            len(str(msg["content"].get("text", "")))
            if msg["msg_type"] == "stream"
            else sum(len(str(part)) for part in (msg["content"].get("data") or {}).values())
        )
        if self.printed > self.job["limits"]["output"]:
            self.watch.reason = (
                self.watch.reason or f"it printed more than {self.job['limits']['output'] / 1e6:.0f} MB"
            )
        so_far = sum(len(str(output.get("text", output.get("data", "")))) for output in cell.outputs)
        if msg["msg_type"] == "stream" and so_far + len(msg["content"]["text"]) > KEPT_OUTPUT:
            self.flooded = True
            msg["content"]["text"] = msg["content"]["text"][: max(0, KEPT_OUTPUT - so_far)]
        elif (
            msg["msg_type"] in ("display_data", "execute_result", "update_display_data")
            and len(str(msg["content"].get("data"))) > 50 * KEPT_OUTPUT
        ):
            msg["content"]["data"] = {"text/plain": "… an output of several MB, left out here …"}
        return super().process_message(msg, cell, cell_index)

    async def async_execute_cell(self, cell, cell_index, execution_count=None, store_history=True):
        if _is_test(cell):
            await self._guard(cell_index)
            cell = await super().async_execute_cell(cell, cell_index, execution_count, store_history)
            if not any(_is_test(following) for following in self.nb.cells[cell_index + 1 : cell_index + 2]):
                await self._guard(cell_index)  # a checked function can change the checks as well
            self.nb.cells[cell_index] = cell  # nbclient had put the guard there
            return cell
        return await super().async_execute_cell(cell, cell_index, execution_count, store_history)

    execute_cell = run_sync(async_execute_cell)

    async def _guard(self, cell_index: int) -> None:
        nonce = token_hex(16)
        call = f"guard({nonce!r}, {self.job['imports']!r}, {Path(self.job['package']).name!r})"
        probe = nbformat.v4.new_code_cell(f"{GUARD}\n\ntry:\n    {call}\nfinally:\n    del guard")
        await super().async_execute_cell(probe, cell_index, store_history=False)
        text = "".join(output.text for output in probe.outputs if output.get("name") == "stdout")
        report = next(
            (json.loads(line) for line in text.splitlines() if line.startswith("{") and nonce in line), None
        )
        errors = [output for output in probe.outputs if output.output_type == "error"]
        if report is None or not any(error.evalue == nonce for error in errors):
            if not any(error.ename in ("CellTimeoutError", "KeyboardInterrupt") for error in errors):
                self.silenced = True
        changed = (report or {}).get("changed", [])
        self.changed += [name for name in changed if name not in self.changed]
        self.changed_while_checked |= bool(changed and self.guards)
        self.guards += 1


def _is_test(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("grade"))


def grade(job: dict, forked=None) -> dict:
    """Points, status and notes for one submission; the notebook with outputs and scores is written to
    ``job["graded"]``.

    Args:
        forked: a ``preloaded.Kernel`` to run it in; without one, a kernel is started as a command.
    """
    answer: dict = {"points": None, "to_read": [], "notes": [], "refused": "", "seconds": 0.0}
    trusted, released = (nbformat.read(job[key], as_version=4) for key in ("trusted", "released"))
    try:
        submitted = collect.read_submission(Path(job["content"]).read_bytes())
        notebook, answer["notes"] = collect.normalise(submitted, trusted, released)
        answer["notes"] += collect.suspicious(notebook)
        resources = _resources(job)
        for step in (
            ClearOutput(),
            DeduplicateIds(),
            OverwriteKernelspec(),
            OverwriteCells(add_missing_cells=True),
            CheckCellMetadata(),
        ):
            notebook, resources = step.preprocess(notebook, resources)
        sources = [cell.source for cell in notebook.cells]
        notebook = _execute(job, notebook, answer, forked)
        if [cell.source for cell in notebook.cells] != sources:
            raise RuntimeError("the notebook that came back is not the one that was sent")
        for cell in notebook.cells:
            if _is_test(cell):  # a warning is no wrong answer, a number no partial credit
                cell.outputs = [output for output in cell.outputs if output.output_type == "error"]
        for step in (LimitOutput(), SaveAutoGrades(), CheckCellMetadata(), GetGrades()):
            notebook, resources = step.preprocess(notebook, resources)
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            graded = gradebook.find_submission_notebook(job["exercise"], job["exercise"], "student")
            answer["points"] = graded.score
            answer["to_read"] = [
                [grade.name, grade.max_score] for grade in graded.grades if grade.needs_manual_grade
            ]
        nbformat.write(notebook, job["graded"])
    except collect.NotGradable as reason:
        answer["refused"] = str(reason)
    return answer


def _resources(job: dict) -> dict:
    url = f"sqlite:///{Path(job['box']).parent / 'gradebook.db'}"
    return {
        "nbgrader": {
            "notebook": job["exercise"],
            "assignment": job["exercise"],
            "student": "student",
            "db_url": url,
        },
        "metadata": {},
    }


def _execute(job: dict, notebook: NotebookNode, answer: dict, forked) -> NotebookNode:
    """Run the notebook; its outputs, or ``NotGradable`` with what stopped it."""
    watch = Watch(Path(job["box"]), job["limits"])
    watch.start()
    runner, started = Run(job, watch, forked), time.monotonic()
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        notebook, _ = runner.preprocess(notebook, {"metadata": {}})
    except CellTimeoutError as error:
        why = (
            watch.reason
            or f"a cell ran longer than {job['limits']['cell_seconds']} seconds and could not be interrupted"
        )
        raise collect.NotGradable(f"{why} {_last_cell(notebook)}") from error
    except (DeadKernelError, RuntimeError, CellControlSignal, TimeoutError, asyncio.CancelledError) as error:
        reached = _last_cell(notebook)
        why = watch.reason or (
            "the notebook ended its own Python process"
            if isinstance(error, DeadKernelError)
            else f"it did not run: {error}"
        )
        raise collect.NotGradable(f"{why} {reached}") from error
    finally:
        end_all_below()
        answer["seconds"] = round(time.monotonic() - started, 1)
    if watch.reason:
        raise collect.NotGradable(f"{watch.reason} {_last_cell(notebook)}")
    if runner.silenced:
        raise collect.NotGradable(
            "its code keeps the kernel from reporting errors, so that a failed check could not be seen"
        )
    if runner.changed_while_checked:
        raise collect.NotGradable(
            f"it changed the course's package while it was checked: {', '.join(runner.changed[:5])}"
        )
    if runner.changed:
        answer["notes"].append(
            f"it changed the course's package while it ran: {', '.join(runner.changed[:5])}; the original checks were used"
        )
    if runner.flooded:
        answer["notes"].append("it printed more than is kept; the feedback holds the beginning")
    return notebook


def _last_cell(notebook: NotebookNode) -> str:
    """Where it stopped, in words."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    ran = [cell for cell in code if cell.get("execution_count")]
    after = code[len(ran)] if len(ran) < len(code) else code[-1] if code else None
    if after is None:
        return "(it has no code)"
    name = after.metadata.get("nbgrader", {}).get("grade_id") or after.source.strip().splitlines()[0][:60]
    return f"(in or after the cell {name!r})"


def main(path: Path, forked=None) -> None:
    sandbox.die_with_parent()
    if sys.platform == "linux":
        sandbox._call(
            "prctl", 36, 1, 0, 0, 0
        )  # PR_SET_CHILD_SUBREAPER: what a submission leaves behind becomes a child of this process
    logging.disable(logging.CRITICAL)
    job = json.loads(path.read_text(encoding="utf-8"))
    answer = grade(job, forked)
    end_all_below()
    scratch = Path(job["answer"] + ".part")
    scratch.write_text(json.dumps(answer), encoding="utf-8")
    os.replace(scratch, job["answer"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # threads of a kernel's client that still wait are not waited for
