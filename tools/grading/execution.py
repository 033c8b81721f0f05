"""Run a submission's notebook, in a kernel inside the sandbox, and see what it does to its own checks."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from secrets import token_hex

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

from tools.grading.limits import KEPT_DATA, KEPT_OUTPUT, START_SECONDS
from tools.grading.repair import NotGradable
from tools.grading.roles import grade_id, is_test
from tools.grading.watch import Watch, end_all_below, resident_here

HERE = Path(__file__).resolve().parent
GUARD = (HERE / "guard.py").read_text(encoding="utf-8")
KERNEL_OPTIONS = ["-f", "{connection_file}", "--HistoryManager.enabled=False"]


class KernelManager(AsyncKernelManager):
    """Starts the kernel in a process that was forked for it, if there is one, else as a command.

    tools/grading/preloaded.py forks them.
    """

    plan: dict
    forked = None

    async def _async_launch_kernel(self, kernel_cmd, **kw):
        if self.forked is None:
            return await super()._async_launch_kernel(kernel_cmd, **kw)
        options = [option.format(connection_file=self.connection_file) for option in KERNEL_OPTIONS]
        self.forked.start(self.plan, options)
        self.provisioner.process = self.forked
        self.provisioner.pid = self.provisioner.pgid = self.forked.pid
        return self._reconcile_connection_info(self.provisioner.connection_info)


class Run(Execute):
    """nbgrader's execution, in a sandbox, with bounded outputs and a guard before each graded cell."""

    def __init__(self, job: dict, watch: Watch, forked=None) -> None:
        seconds = job["limits"]["cell_seconds"]
        super().__init__(
            timeout=seconds, startup_timeout=START_SECONDS, store_widget_state=False, record_timing=False
        )
        self.error_on_timeout = {
            "ename": "CellTimeoutError",
            "evalue": f"The cell did not end within {seconds} seconds.",
            "traceback": [],
        }
        self.job, self.watch, self.forked = job, watch, forked
        self.printed, self.flooded = 0, False
        self.guards, self.silenced = 0, False
        self.changed: list[str] = []
        self.changed_while_checked = False

    def create_kernel_manager(self):
        job, box = self.job, Path(self.job["box"])
        plan = _sandbox_plan(job)
        plan_file = box.parent / "plan.json"
        plan_file.write_text(json.dumps(plan), encoding="utf-8")
        # One file per socket: no network needed. The names start with the connection file's, in the box, the
        # same inside and outside.
        self.km = KernelManager(transport="ipc", ip=str(box / "s"), connection_file=str(box / "kernel.json"))
        self.km.plan, self.km.forked = plan, self.forked
        sandbox = [sys.executable, "-I", str(HERE / "sandbox.py"), str(plan_file)]
        self.km._kernel_spec = KernelSpec(
            argv=[*sandbox, sys.executable, "-m", "ipykernel_launcher", *KERNEL_OPTIONS],
            language="python",
            display_name="Python 3",
            interrupt_mode="signal",
        )
        return self.km

    async def async_start_new_kernel(self, **options) -> None:
        await self.km.start_kernel(cwd=str(HERE))

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

    async def async_execute_cell(self, cell, cell_index, execution_count=None, store_history=True):
        if not is_test(cell):
            return await super().async_execute_cell(cell, cell_index, execution_count, store_history)
        await self._guard(cell_index)
        cell = await super().async_execute_cell(cell, cell_index, execution_count, store_history)
        if not any(map(is_test, self.nb.cells[cell_index + 1 : cell_index + 2])):
            await self._guard(cell_index)  # a checked function can change the checks as well
        self.nb.cells[cell_index] = cell  # nbclient had put the guard there
        return cell

    execute_cell = run_sync(async_execute_cell)

    async def _guard(self, cell_index: int) -> None:
        """Run guard.py in the kernel, and note what it finds."""
        nonce = token_hex(16)
        call = f"guard({nonce!r}, {self.job['imports']!r}, {Path(self.job['package']).name!r})"
        guarded = f"{GUARD}\n\ntry:\n    {call}\nfinally:\n    del guard, guard_shape"
        probe = nbformat.v4.new_code_cell(guarded)
        await super().async_execute_cell(probe, cell_index, store_history=False)
        report = _report_of(probe, nonce)
        errors = [output for output in probe.outputs if output.output_type == "error"]
        is_heard = report is not None and any(error.evalue == nonce for error in errors)
        if not is_heard and not any(e.ename in ("CellTimeoutError", "KeyboardInterrupt") for e in errors):
            self.silenced = True
        changed = (report or {}).get("changed", [])
        self.changed += [name for name in changed if name not in self.changed]
        self.changed_while_checked |= bool(changed and self.guards)
        self.guards += 1


def _sandbox_plan(job: dict) -> dict:
    """See sandbox.py."""
    limits = job["limits"]
    return {
        "isolated": job["isolated"],
        "box": job["box"],
        "visible": job["visible"],
        "folder": str(Path(job["box"]) / "work"),
        "environment": job["environment"],
        "limits": {
            "memory": limits["address_space"],
            "file": limits["file"],
            "processes": limits["threads"],
        },
    }


def _report_of(probe: NotebookNode, nonce: str) -> dict | None:
    """What the guard printed; None if it did not get so far."""
    text = "".join(output.text for output in probe.outputs if output.get("name") == "stdout")
    lines = (line for line in text.splitlines() if line.startswith("{") and nonce in line)
    return next(map(json.loads, lines), None)


def execute(job: dict, notebook: NotebookNode, answer: dict, forked=None) -> NotebookNode:
    """The notebook with its outputs; notes for the teacher and the seconds go to ``answer``.

    Raises:
        NotGradable: with what stopped it.
    """
    watch = Watch(Path(job["box"]), job["limits"], inherited=resident_here() if forked else 0)
    watch.start()
    runner, started = Run(job, watch, forked), time.monotonic()
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    try:
        notebook, _ = runner.preprocess(notebook, {"metadata": {}})
        watch.look(at_files=True)  # what has happened since the last look counts as well
    except (
        CellTimeoutError,
        DeadKernelError,
        RuntimeError,
        CellControlSignal,
        TimeoutError,
        asyncio.CancelledError,
    ) as error:
        why = watch.reason or _why_it_stopped(error, job["limits"])
        raise NotGradable(f"{why} {_last_cell(notebook)}") from error
    finally:
        end_all_below()
        answer["seconds"] = round(time.monotonic() - started, 1)
    if watch.reason:
        raise NotGradable(f"{watch.reason} {_last_cell(notebook)}")
    answer["notes"] += _what_it_did(runner)
    return notebook


def _why_it_stopped(error: BaseException, limits: dict) -> str:
    if isinstance(error, CellTimeoutError):
        return f"a cell ran longer than {limits['cell_seconds']} seconds and could not be interrupted"
    if isinstance(error, DeadKernelError):
        return "the notebook ended its own Python process"
    return f"it did not run: {error}"


def _what_it_did(runner: Run) -> list[str]:
    """Notes for the teacher.

    Raises:
        NotGradable: it got in the way of its own checks.
    """
    changed = ", ".join(runner.changed[:5])
    if runner.silenced:
        raise NotGradable(
            "its code keeps the kernel from reporting errors, so that a failed check could not be seen"
        )
    if runner.changed_while_checked:
        raise NotGradable(f"it changed the course's package while it was checked: {changed}")
    notes = []
    if changed:
        notes.append(
            f"it changed the course's package while it ran: {changed}; the original checks were used"
        )
    if runner.flooded:
        notes.append("it printed more than is kept; the feedback holds the beginning")
    return notes


def _last_cell(notebook: NotebookNode) -> str:
    """Where it stopped, in words."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    ran = [cell for cell in code if cell.get("execution_count")]
    after = code[len(ran)] if len(ran) < len(code) else code[-1] if code else None
    if after is None:
        return "(it has no code)"
    name = grade_id(after) or after.source.strip().splitlines()[0][:60]
    return f"(in or after the cell {name!r})"
