"""What a cell is for: nbgrader's marks in its metadata, which the build wrote."""

from nbformat import NotebookNode


def grade_id(cell: NotebookNode) -> str:
    """The id under which a cell is graded or holds a solution; "" for any other cell."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def gives_points(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def is_test(cell: NotebookNode) -> bool:
    """Whether a cell gives points by running: it is the teacher's, and students do not write in it."""
    return cell.cell_type == "code" and gives_points(cell) and not cell.metadata.nbgrader.solution
