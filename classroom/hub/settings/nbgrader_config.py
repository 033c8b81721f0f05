"""nbgrader's exchange, for students and the teacher: servers of the hub find this by JUPYTER_CONFIG_PATH."""

import os
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.Exchange.root = os.path.join(os.environ["COURSE_HUB"], "exchange")
c.CourseDirectory.course_id = "reranking"
# Exercises are fetched into the course that the student has: their links lead to its lessons. The whole path,
# since nbgrader's list of assignments goes into this folder and then adds it once more.
c.Exchange.assignment_dir = str(Path.home() / "reranking-course")
