"""Run a graded cell, hidden tests included, in the trusted process; the student's part is lent to it.

The cell's text never enters the sandbox. Names of the course's checks come from the course itself, all other
names from the student's notebook, through lending.py.
"""

import ast
import builtins
import contextlib
import io
import signal
import warnings
from collections.abc import Iterator

from tools.grading.channel import Stopped
from tools.grading.lending import Session, lent

CHECK_SECONDS = 60  # for a check itself, which may have to load a model


def judge(source: str, imports: str, session: Session, seconds: float) -> tuple[str, str] | None:
    """Run one graded cell.

    Args:
        imports: the exercise's own imports from the course's package.
        session: with the student's kernel.
        seconds: how long the student's code may take in all.

    Returns:
        The name and the text of the error with which it failed; ``None`` if it passed.
    """
    session.start(seconds)
    error: BaseException | None = None
    tree = ast.parse(source)
    with (
        _alarm(session, 2 * seconds + CHECK_SECONDS),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # a warning is no wrong answer
        try:
            exec(compile(tree, "<graded cell>", "exec"), _names(tree, imports, session))
        except Stopped:
            pass
        except BaseException as raised:  # whatever a student's function raised, SystemExit too
            error = raised
    if session.stopped:
        return "Stopped", session.stopped
    return None if error is None else (type(error).__name__, str(error))


@contextlib.contextmanager
def _alarm(session: Session, seconds: float) -> Iterator[None]:
    """Answers can be made such that a check of them would not end."""

    def ring(*_: object) -> None:
        session.stopped = f"the check of what {session.waiting_for} returned did not end"
        raise Stopped(session.stopped)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _names(tree: ast.Module, imports: str, session: Session) -> dict:
    """What the cell finds when it runs."""
    names: dict = {"__name__": "graded"}
    wanted = free_names(tree)
    for statement in ast.parse(imports).body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            found = [alias for alias in statement.names if (alias.asname or alias.name) in wanted]
            if found:
                statement.names = found
                exec(compile(ast.unparse(statement), "<imports>", "exec"), names)
    for name in sorted(wanted - names.keys()):
        names[name] = lent(session, name, session.describe(name))
    return names


def free_names(tree: ast.Module) -> set[str]:
    """The names that a cell uses and does not make."""
    used: set[str] = set()
    made = set(vars(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).partition(".")[0])
    return used - made
