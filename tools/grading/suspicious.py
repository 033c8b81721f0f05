"""What a teacher may want to know of a student's own code: it starts programs, or wants the network.

No proof of anything. Points come from outside the student's process (lending.py), so nothing here is about
cheating the checks.
"""

import ast
from collections.abc import Collection

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from tools.grading.roles import is_test

# By name, in full or its beginning.
MODULES = {
    "subprocess": "starts programs",
    "multiprocessing": "starts processes",
    "ctypes": "calls the system directly",
    "requests": "wants the network",
    "urllib": "wants the network",
    "http": "wants the network",
    "ftplib": "wants the network",
    "smtplib": "wants the network",
    "aiohttp": "wants the network",
    "paramiko": "wants the network",
    "nbgrader": "names the grader",
}
# Of whatever object.
CALLS = {
    "system": "starts programs",
    "popen": "starts programs",
    "fork": "starts processes",
    "_exit": "ends its own process",
    "create_connection": "wants the network",
    "urlopen": "wants the network",
}


def suspicious(notebook: NotebookNode, handed_out: Collection[str] = ()) -> list[str]:
    """One note on all of the student's own code, or none.

    Args:
        handed_out: the cells that everybody has.
    """
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_test(cell) and cell.source not in handed_out:
            try:
                tree = ast.parse(TransformerManager().transform_cell(cell.source))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            seen.update(*map(_found, ast.walk(tree)))
    return [f"its code {', '.join(sorted(seen))}"] if seen else []


def _found(node: ast.AST) -> set[str]:
    """What one piece of code does, with its name."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(alias.name for alias in node.names)]
    elif isinstance(node, ast.Attribute):
        return {f"{CALLS[node.attr]} ({node.attr})"} if node.attr in CALLS else set()
    else:
        return set()
    roots = {name: name.partition(".")[0] for name in names}
    modules = {f"{MODULES[root]} ({name})" for name, root in roots.items() if root in MODULES}
    return modules | {f"{CALLS[name]} ({name})" for name in names if name in CALLS}
