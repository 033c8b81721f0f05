"""The teacher's week from hand-out to gradebook, with a small class; `week.py` does it with thirty."""

import pytest

from tests.classroom.week import Week
from tests.support import school


@pytest.mark.heavy
@pytest.mark.timeout(1200)  # for a machine with much else to do
def test_a_class_goes_through_the_week(tmp_path):
    week = Week(tmp_path, 6, (school.canvas, school.moodle))
    week.run()
    assert len(week.seconds) == 5 and (tmp_path / "grading" / "gradebook" / "import_moodle.csv").is_file()
