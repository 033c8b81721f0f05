"""Processes that have torch and nbgrader imported when they start: the imports take longer than the rest.

graders.py starts one server, `python -m tools.grading.preloaded socket`, with nothing of the teacher's
environment. For each connection it forks a process that grades one submission (grade_one.py); that one forks,
before it has read anything, the one that becomes the kernel. So a kernel inherits libraries in memory, and
nothing of a student, a teacher or a hidden test; and it cannot import tools/. Where the first kernel has
ended, the next one is an ordinary command: by then its parent knows too much.

Linux only: elsewhere torch does not survive a fork, and both are started as ordinary commands.
"""

import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.grading import sandbox

ROOT = Path(__file__).resolve().parents[2]
WORKS = sys.platform == "linux"


class Server:
    """The server as graders.py sees it; a context manager that ends it and all that it started."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Start it.

        Args:
            folder: for its socket and its log.
            environment: all that it and the kernels see of one.
        """
        self.address, self.log = folder / "server", folder / "server.log"
        # -P: no folder of the caller's, only this course's own, from which _kernel frees its path again.
        command = [sys.executable, "-P", "-m", "tools.grading.preloaded", str(self.address)]
        self.process = subprocess.Popen(
            command,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log.open("wb"),
            start_new_session=True,
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()

    def start(self, job: Path, log: Path) -> "Forked":
        """Grade the submission that ``job`` describes, see grade_one.py.

        Raises:
            RuntimeError: the server does not start; with the end of its log.
        """
        connection = socket.socket(socket.AF_UNIX)
        while True:
            try:
                connection.connect(str(self.address))
                break
            except OSError:  # not there yet
                if self.process.poll() is not None:
                    said = self.log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
                    status = self.process.returncode
                    why = f"the process that starts the graders ended (status {status}): {said}"
                    raise RuntimeError(why) from None
                time.sleep(0.05)
        connection.sendall(json.dumps([str(job), str(log)]).encode() + b"\n")
        return Forked(connection)


class Forked:
    """A grading process, with what graders.py uses of ``subprocess.Popen``.

    It has ended when its end of the connection is closed.
    """

    returncode = "unknown"

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.pid = connection, int(connection.recv(32) or 0)

    def wait(self, timeout: float | None = None) -> None:
        self.connection.settimeout(timeout)
        try:
            self.connection.recv(1)
        except TimeoutError:
            raise subprocess.TimeoutExpired("grade_one", timeout or 0) from None
        self.connection.close()

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)


def serve(address: Path) -> None:
    """Import what takes long, then fork for each connection."""
    sandbox.die_with_parent()
    grade_one = _import_all()
    if threading.active_count() > 1:
        raise RuntimeError("an import started a thread, which a fork would not copy")
    gc.freeze()  # the collector would touch, and so copy, pages that all processes share
    signal.signal(
        signal.SIGCHLD, signal.SIG_IGN
    )  # nobody waits for the forked ones: they vanish at their end
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(address))
    listener.listen(128)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            _in_child(partial(_grade, grade_one, listener, connection))
        connection.close()


def _import_all():
    """What a submission's kernel imports before it does anything of its own, and what grades it."""
    import bm25s  # noqa: F401
    import ir_measures  # noqa: F401
    import pandas  # noqa: F401
    import sentence_transformers  # noqa: F401
    import torch  # noqa: F401
    from transformers.models.bert import modeling_bert, tokenization_bert  # noqa: F401

    from tools.grading import grade_one

    return grade_one


def _grade(grade_one, listener: socket.socket, connection: socket.socket) -> None:
    sandbox.die_with_parent()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    listener.close()
    connection.sendall(str(os.getpid()).encode())
    with connection.makefile() as lines:
        job, log = json.loads(lines.readline())
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    grade_one.main(Path(job), Kernel())


class Kernel:
    """A kernel's process: forked at once, it waits for what to do.

    It has what jupyter_client uses of ``subprocess.Popen``.
    """

    stdin = stdout = stderr = None
    returncode: int | None = None

    def __init__(self) -> None:
        self.orders, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            _in_child(lambda: _become_kernel(theirs))
        theirs.close()

    def start(self, plan: dict, options: list[str]) -> None:
        """Enter the sandbox and start an IPython kernel with these command-line options.

        Args:
            plan: see sandbox.py.
        """
        self.orders.sendall(json.dumps([plan, options]).encode() + b"\n")
        self.orders.close()

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # whoever killed it has waited for it
                ended, status = self.pid, signal.SIGKILL
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self) -> int:
        while (status := self.poll()) is None:
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _become_kernel(orders: socket.socket) -> None:
    sandbox.die_with_parent()
    os.setsid()  # interrupts go to this process group
    with orders.makefile() as lines:
        order = lines.readline()
    if not order:  # the grading process ended before it needed a kernel
        return
    plan, options = json.loads(order)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    sys.exit(sandbox.run(plan, lambda: _kernel(plan, options)))


def _kernel(plan: dict, options: list[str]) -> None:
    """What `python -m ipykernel_launcher` does, in a process that has other processes' memory behind it."""
    from ipykernel.kernelapp import launch_new_instance

    os.environ.clear()
    os.environ.update(plan["environment"])
    for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
        del sys.modules[name]
    path = [folder for folder in sys.path if folder != str(ROOT)]
    sys.path[:] = [*plan["environment"]["PYTHONPATH"].split(os.pathsep), *path]
    sys.path_importer_cache.clear()
    sys.argv = ["ipykernel_launcher", *options]
    tempfile.tempdir = None  # found anew, in the box
    random.seed()
    sys.modules["numpy"].random.seed()
    launch_new_instance()


def _in_child(work: Callable[[], None]) -> None:
    """Do the work of a forked process; never return into the code that it was forked in."""
    status = 1
    try:
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status & 0xFF)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
