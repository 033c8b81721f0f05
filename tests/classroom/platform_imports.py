"""What platforms do with the files that they take back, as their sources have it (named in each function)."""

import csv
import re


def canvas_gradebook(path):
    """{ID: {assignment: grade}}: instructure/canvas-lms, lib/gradebook_importer.rb."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        header, *rows = list(csv.reader(handle))
    assert len(header) > 3 and "Student" in header[0] and "ID" in header[1]  # row_has_student_headers?
    columns = 3  # update_column_count
    if re.search(r"SIS\s+Login\s+ID", header[2]):
        columns += 1
    elif re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
        columns += 2
    assert "Section" in header[columns - 1]  # header?
    assert "Points Possible" in rows[0][0]  # check_for_non_student_row
    return {row[1]: dict(zip(header[columns:], row[columns:])) for row in rows[1:]}


def canvas_feedback(archive, sent):
    """{user's number: file}: infer_comment_context_from_filename of instructure/canvas-lms's assignment."""
    attachments = {}
    for name in sent:
        numbers = [part for part in name.split("_") if re.fullmatch(r"\d+", part)]
        attachments[numbers[1]] = numbers[0]
    taken = {}
    for name in archive.namelist():
        user, attachment = [part for part in name.split("_") if re.fullmatch(r"\d+", part)][:2]
        assert attachments[attachment] == user
        assert name in sent, "students see the name of their own file"
        taken[user] = name
    return taken


def moodle_feedback(archive, participants):
    """[(participant, file)]: moodle/moodle, importziplib.php, is_valid_filename_for_import."""
    taken = []
    for path in archive.namelist():
        parts = path.split("/")
        assert not parts[-1].startswith((".", "~"))
        while parts:
            info = parts.pop(0).split("_", 4)
            if len(info) < 4 or not info[1].isdigit() or int(info[1]) not in participants:
                continue
            assert info[2:4] == ["assignsubmission", "file"]  # a plugin that there is
            rest = "/".join([*info[4:], *parts])
            assert "/" not in rest, "it would become a folder"
            taken.append((participants[int(info[1])], rest))
            break
        else:
            raise AssertionError(f"Moodle takes no notice of {path}")
    return taken


def moodle_worksheet(path, participants):
    """{number in class: grade}: moodle/moodle, importgradeslib.php."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {"Identifier", "Grade", "Last modified (grade)"} <= rows[0].keys()  # init
    return {participants[int(row["Identifier"][len("Participant ") :])].number: row["Grade"] for row in rows}
