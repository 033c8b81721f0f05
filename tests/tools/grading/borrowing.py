"""A student's code in a process of its own that lends its functions, without a kernel or a sandbox."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap

from tests.support import ROOT
from tools.grading.lending import Session
from tools.grading.verdicts import judge

PROGRAM = """\
import sys
from tools.grading.lender import lend
names = {"__name__": "student"}
exec(compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec"), names)
lend(sys.argv[2], names)
"""


@contextlib.contextmanager
def student(folder, source):
    """A session with a process that has run ``source``."""
    (folder / "student.py").write_text(textwrap.dedent(source), encoding="utf-8")
    address = folder / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(1)
        listener.settimeout(60)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder / "student.py"), str(address)], cwd=ROOT
        )
        try:
            connection, _ = listener.accept()
            with connection:
                session = Session(connection, lambda: os.kill(process.pid, signal.SIGINT))
                yield session
        finally:
            process.kill()
            process.wait()
            address.unlink(missing_ok=True)


def judged(folder, source, cell, imports="", seconds=30):
    """What a graded cell says of a student's code: None, or an error's name and text."""
    with student(folder, source) as session:
        return judge(textwrap.dedent(cell), imports, session, seconds)
