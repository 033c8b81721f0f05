"""What a teacher should look at: a student's code that reaches beyond the exercise. No proof of anything."""

import ast
import re

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from tools.grading.roles import is_test

MODULES = {
    "subprocess",
    "socket",
    "ctypes",
    "gc",
    "inspect",
    "multiprocessing",
    "importlib",
    "builtins",
    "shutil",
    "sys",
    "signal",
}
NAMES = {
    "_exit",
    "fork",
    "system",
    "popen",
    "kill",
    "setattr",
    "exec",
    "eval",
    "globals",
    "get_ipython",
    "__code__",
    "__globals__",
    "__file__",
    "modules",
}
PATHS = r"solutions/|\.\./|\.ipynb|/proc/"
COURSE = "rerank_course"


def suspicious(notebook: NotebookNode) -> list[str]:
    """One note on all of the student's own code, or none."""
    seen: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type == "code" and not is_test(cell):
            try:
                tree = ast.parse(TransformerManager().transform_cell(cell.source))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            seen |= _reaches(tree)
    return [f"its code uses {', '.join(sorted(seen))}"] if seen else []


def _reaches(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    course = {COURSE}.union(*map(_course_names, nodes))
    return set().union(*map(_watched, nodes), *(_assigned(node, course) for node in nodes))


def _course_names(node: ast.AST) -> set[str]:
    """The names that an import gives to the course's package, or to parts of it."""
    if isinstance(node, ast.Import):
        ours = [alias for alias in node.names if alias.name.startswith(COURSE)]
        return {(alias.asname or alias.name).split(".")[0] for alias in ours}
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(COURSE):
        return {alias.asname or alias.name for alias in node.names}
    return set()


def _watched(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name.split(".")[0] in MODULES}
    if isinstance(node, ast.ImportFrom):
        return {node.module} if node.module and node.module.split(".")[0] in MODULES else set()
    if isinstance(node, ast.Attribute):
        return {node.attr} & NAMES
    if isinstance(node, ast.Name):
        return {node.id} & NAMES
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(PATHS, node.value):
        return {repr(node.value[:60])}
    return set()


def _assigned(node: ast.AST, course: set[str]) -> set[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _root(node) in course:
        return {f"an assignment to {ast.unparse(node)}"}
    return set()


def _root(node: ast.AST) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
