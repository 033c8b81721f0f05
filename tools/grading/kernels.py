"""A kernel in the sandbox: how it is started, forked or as a command, watched, and how it begins to lend."""

import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from secrets import token_hex

import zmq
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

HERE = Path(__file__).resolve().parent
KERNEL_OPTIONS = ["-f", "{connection_file}", "--HistoryManager.enabled=False"]
LEND = """\
_lender = {{"__name__": "lender"}}
try:
    exec({text!r}, _lender)
    _lender["lend"]({address!r}, globals())
finally:
    globals().pop("_lender", None)
"""


class KernelClient(AsyncKernelClient):
    """One without a heartbeat, which nothing here listens to: whether the kernel lives, its manager knows.

    A submission can break its connection, and the thread that sends the beats would then wait for ever.
    """

    def start_channels(self, shell=True, iopub=True, stdin=True, hb=True, control=True) -> None:
        super().start_channels(shell=shell, iopub=iopub, stdin=stdin, hb=False, control=control)


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

    def interrupt_now(self) -> None:
        """Ctrl-C, for the kernel and what it has started."""
        leader = getattr(self.provisioner, "pgid", None) or getattr(self.provisioner, "pid", None)
        if leader:
            os.killpg(leader, signal.SIGINT)


def new_kernel_manager(job: dict, forked=None) -> KernelManager:
    """For one kernel, in the sandbox of a job, see grade_one.py."""
    box = Path(job["box"])
    plan = _sandbox_plan(job)
    plan_file = box.parent / "plan.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")
    # One file per socket: no network needed. The names start with the connection file's, in the box, the
    # same inside and outside.
    name = token_hex(3)
    manager = KernelManager(
        transport="ipc",
        ip=str(box / f"s{name}"),
        connection_file=str(box / f"kernel{name}.json"),
        client_factory=KernelClient,
    )
    manager.plan, manager.forked = plan, forked
    sandbox = [sys.executable, "-I", str(HERE / "sandbox.py"), str(plan_file)]
    manager._kernel_spec = KernelSpec(
        argv=[*sandbox, sys.executable, "-m", "ipykernel_launcher", *KERNEL_OPTIONS],
        language="python",
        display_name="Python 3",
        interrupt_mode="signal",
    )
    return manager


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


class Line:
    """The sockets to a kernel, which its own code can break: it may write to every file that is open there.

    What it says then is lost, and nobody would know before a cell's time is over. A context manager.
    """

    def __init__(self, client) -> None:
        """
        Args:
            client: of the kernel, ready.
        """
        self.sockets = [client.shell_channel.socket, client.iopub_channel.socket]
        self.cut_at: float | None = None
        self.events = []
        # Plain sockets: those of the client's own context want an event loop.
        context: zmq.Context = zmq.Context.shadow(client.context)
        for socket_ in self.sockets:
            address = f"inproc://cut-{token_hex(6)}"
            socket_.monitor(address, zmq.EVENT_DISCONNECTED)
            self.events.append(context.socket(zmq.PAIR))
            self.events[-1].connect(address)

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_) -> None:
        for socket_, events in zip(self.sockets, self.events):
            socket_.monitor(None, 0)
            events.close(linger=0)

    def seconds_cut(self) -> float:
        """How long ago it was first seen broken since the last ``forget``; 0 if it is whole."""
        if self.cut_at is None and any(events.poll(0) for events in self.events):
            self.cut_at = time.monotonic()
        return 0 if self.cut_at is None else time.monotonic() - self.cut_at

    def forget(self) -> None:
        """Take the line for whole again: what was said over it has come."""
        self.cut_at = None
        for events in self.events:
            while events.poll(0):
                events.recv_multipart()


def connect(client, box: Path, seconds: float) -> socket.socket:
    """Have a kernel lend its notebook's functions; the connection to it.

    Raises:
        TimeoutError: it does not come.
    """
    address = box / f"l{token_hex(3)}"
    wire, lender = ((HERE / name).read_text(encoding="utf-8") for name in ("wire.py", "lender.py"))
    text = wire + "\n\n" + re.sub(r"^from tools\..*$", "", lender, flags=re.MULTILINE)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(1)
        listener.settimeout(seconds)
        client.execute(LEND.format(text=text, address=str(address)), silent=True, store_history=False)
        connection, _ = listener.accept()
    return connection
