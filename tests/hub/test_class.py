"""A class works through the hub as docs/hub.md sets it up: `make hub-test`.

The guide's commands run as they stand there, on a machine of their own; students use a browser.
"""

import csv
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import nbformat
import psutil
import pytest

from tests.hub.guide import commands, link
from tests.hub.machine import PLACE, Machine, free_ports, machine, needs_a_hub
from tests.hub.people import COURSE, Student
from tests.support import ROOT
from tests.support.browser import launch_chromium, needs_chromium
from tools.build.outline import read_outline

pytestmark = [needs_a_hub, needs_chromium, pytest.mark.heavy, pytest.mark.timeout(1500)]
STUDENTS = ("ana", "bo", "cy")
PEOPLE = ("teacher", *STUDENTS)
EXERCISE = read_outline().exercise("score_pairs").file
LESSON = read_outline().lessons[0]
START_SECONDS = 120


def password(name):
    return f"{name}'s own word"


@dataclass
class Hub:
    machine: Machine
    address: str
    log: str

    def said(self):
        return self.machine.inside(self.log).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hub():
    """A hub made by the guide's commands; the packages are those that the tests run with."""
    guide = commands()
    with machine() as running:
        running.inside("/srv/accounts.txt").write_text("".join(f"{n}:{password(n)}\n" for n in PEOPLE))
        running.run(f"cd /srv\n{guide['Accounts'][0]}")
        port, log = free_ports(3), "/srv/hub.log"
        start = with_our_packages(guide["Start"][0])
        script = f"export COURSE_HUB_PORT={port} HOME=/root\n{start}"
        with running.inside(log).open("w") as out:
            process = subprocess.Popen(running.command(script), stdout=out, stderr=subprocess.STDOUT)
        found = Hub(running, f"http://127.0.0.1:{port}", log)
        wait_for(found, process)
        hand_out(found)
        yield found


def with_our_packages(script):
    return re.sub(r"(\S*course/)?\.venv/bin", f"{sys.prefix}/bin", script)


def wait_for(hub, process):
    deadline = time.monotonic() + START_SECONDS
    open_it = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with open_it(f"{hub.address}/hub/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(f"the hub did not start:\n{hub.said()}")


def teacher(hub, script):
    return hub.machine.run(script, user="teacher").stdout


def test_a_class_works_through_the_hub(hub):
    with launch_chromium() as chromium:
        ana, bo, cy = (Student(chromium, hub.address, name, password(name)) for name in STUDENTS)
        come_and_run_the_first_lesson(ana, bo, cy)
        for student in (ana, bo, cy):
            student.fetch()
        links_lead_somewhere(hub)
        answer_all(ana, hub)
        answer_wrongly(bo, hub)
        for student in (ana, bo, cy):
            student.submit()
        collect_and_grade(hub)
        give_back(hub)
        for student, points in ((ana, 10), (bo, 0), (cy, 0)):
            said = student.read_feedback(EXERCISE.replace(".ipynb", ".html"), f"{points} of 10 points")
            assert "HIDDEN" not in said


def hand_out(hub):
    copy, release = commands()["Hand out"]
    teacher(hub, copy)
    folder = hub.machine.home("teacher") / "class" / "release" / "exercises"
    for file in folder.glob("*.ipynb"):
        if file.name != EXERCISE:
            file.unlink()
    teacher(hub, release)


def come_and_run_the_first_lesson(ana, bo, cy):
    """By the guide's link, and by the hub's own address."""
    ana.come(link())
    bo.come("")
    cy.come(link())
    for student in (ana, bo, cy):
        student.sees_the_lesson(LESSON.title)
    for student in (ana, bo, cy):
        student.start_lesson()
    for student in (ana, bo, cy):
        student.finish_lesson()
        assert student.page.get_by_text("All checks are OK.").count()


def links_lead_somewhere(hub):
    home = hub.machine.home("ana") / COURSE
    exercise, lesson = home / "exercises" / EXERCISE, next((home / "notebooks").glob("02_*.ipynb"))
    for file in (exercise, lesson):
        text = "".join(cell.source for cell in nbformat.read(file, as_version=4).cells)
        links = re.findall(r"\]\((\.\./[^)#]+)", text)
        assert links
        assert [link for link in links if not (file.parent / link).exists()] == []


def parts():
    """[(first line of the answer, the answer, first line of its check)] of the exercise's solution."""
    cells = nbformat.read(ROOT / "solutions" / EXERCISE, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    for cell, after in zip(code, code[1:]):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            yield (
                re.search(r"^def .*\(", cell.source, re.MULTILINE)[0],
                cell.source,
                after.source.split("\n")[0],
            )


def answer_all(student, hub):
    student.open(f"exercises/{EXERCISE}")
    for part, solution, check in parts():
        student.answer(part, solution, check, "✓ Right.")
    keep(student, hub, [*parts()][-1][1])


def answer_wrongly(student, hub):
    student.open(f"exercises/{EXERCISE}")
    part, solution, check = next(parts())
    wrong = solution.replace("(query, document)", "(document, query)")
    assert wrong != solution
    student.answer(part, wrong, check, "✗")
    keep(student, hub, wrong)


def keep(student, hub, text):
    """Save, and wait until the file holds it."""
    student.save()
    file = hub.machine.home(student.name) / COURSE / "exercises" / EXERCISE
    deadline = time.monotonic() + 60
    while text not in [cell.source for cell in nbformat.read(file, as_version=4).cells]:
        assert time.monotonic() < deadline, "the notebook was not saved"
        time.sleep(0.5)


def collect_and_grade(hub):
    (script,) = commands()["Collect, grade, give back"]
    collect, grade, *_ = script.splitlines()
    said = hub.machine.run(collect, user="teacher")
    assert "cheating" not in said.stderr
    # The packages are there; make would look for its own.
    ours = f"make -o setup -o bring-grading VENV={sys.prefix} grade"
    teacher(hub, grade.replace("make grade", ours))
    with (hub.machine.home("teacher") / "class/grading/grades.csv").open(encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert {name: row["points"] for name, row in rows.items()} == {"ana": "10", "bo": "0", "cy": "0"}
    assert {row["exercise"] for row in rows.values()} == {EXERCISE.removesuffix(".ipynb")}


def give_back(hub):
    (script,) = commands()["Collect, grade, give back"]
    _, grade, *rest = script.splitlines()
    teacher(hub, "\n".join([f"cd {PLACE}/course", *rest]))


def test_a_server_has_the_course_s_environment_and_its_limit(hub):
    with launch_chromium() as chromium:
        ana = Student(chromium, hub.address, "ana", password("ana"))
        ana.come("")
        ana.sees_the_lesson(LESSON.title)
    (server,) = [p for p in psutil.process_iter(["cmdline"]) if is_server_of(p, "ana")]
    names = server.environ()
    assert names["RERANK_COURSE_CACHE"] == f"{PLACE}/models"
    assert not [name for name in names if name.lower().endswith("_proxy") or name == "PYTHONPATH"]
    assert "Max data size             4000000000" in Path(f"/proc/{server.pid}/limits").read_text()
    greedy = hub.machine.run("python -c 'bytearray(5 * 10**9)'", user="ana", check=False)
    assert "MemoryError" in greedy.stderr


def is_server_of(process, user):
    line = process.info["cmdline"] or []
    try:
        return any("jupyterhub-singleuser" in word for word in line) and process.environ()["USER"] == user
    except (psutil.Error, KeyError):
        return False


@pytest.mark.parametrize(
    "deed",
    [
        f"ls {PLACE}/exchange/reranking/inbound",
        f"mv {PLACE}/exchange/reranking {PLACE}/exchange/mine",
        f"touch {PLACE}/exchange/reranking/outbound/exercises/{EXERCISE}",
        f"touch {PLACE}/models/x",
        f"cat {PLACE}/course/solutions/{EXERCISE}",
        f"cat {PLACE}/course/lessons/exercises/score_pairs.py",
        f"cat {PLACE}/course/docs/rubrics.md",
        "ls ~bo",
        f"ls {PLACE}/hub",
    ],
)
def test_what_a_student_may_not_do(hub, deed):
    refused = hub.machine.run(deed, user="ana", check=False)
    assert refused.returncode and re.search("Permission denied|not permitted|Read-only", refused.stderr)


def test_only_the_class_comes_in(hub):
    hub.machine.run("useradd --create-home eve && echo 'eve:her word' | chpasswd")
    with launch_chromium() as chromium:
        for name, word in (("ana", "a guess"), ("eve", "her word")):
            stranger = Student(chromium, hub.address, name, word)
            stranger.come("")
            stranger.page.get_by_text("Invalid username or password").wait_for()


def test_the_hub_knows_every_setting(hub):
    assert re.findall(r".*(?:not recognized|Traceback).*", hub.said()) == []
    assert "idle-culler" in hub.said()
