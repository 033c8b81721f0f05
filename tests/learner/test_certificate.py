"""A certificate: who gets one, what stands on it, and that it is one page."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from rerank_course import __version__
from rerank_course.__main__ import main
from rerank_course.learner.certificate import NotCompleteError, certificate, missing
from rerank_course.learner.course import EXERCISES
from rerank_course.learner.progress import remember
from tests.learner.answers import DAY
from tests.support.browser import launch_chromium, needs_chromium

KEYS = [key for step in EXERCISES for key in step.keys]
ALL = {key: DAY + timedelta(days=number // 10) for number, key in enumerate(KEYS)}


@pytest.fixture
def complete(folder):
    for key in KEYS:
        remember(key)


def test_who_has_open_checks_is_told_which(folder, tmp_path, capsys):
    for key in KEYS[:-1]:
        remember(key)
    out = tmp_path / "c.html"
    assert main(["certificate", "--name", "A", "--out", str(out)]) == 1 and not out.exists()
    said, last = capsys.readouterr().out, EXERCISES[-1]
    assert f"{last.name}: 1 of {len(last.checks)} open ({last.checks[-1][1]})" in said
    assert EXERCISES[0].name not in said
    assert len(missing({})) == len(EXERCISES)
    with pytest.raises(NotCompleteError, match=EXERCISES[0].title):
        certificate("A", {})


def test_a_page_with_name_days_exercises_and_version(complete, tmp_path, capsys):
    out = tmp_path / "c.html"
    assert main(["certificate", "--name", "Łucja <b>", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    page = out.read_text(encoding="utf-8")
    assert "Łucja &lt;b&gt;" in page and "<b>" not in page and f"version {__version__}" in page
    assert all(f"{step.number} · {step.title}" in page for step in EXERCISES)
    assert all(f'<td class="number">{step.points:g}</td></tr>' in page and step.points for step in EXERCISES)
    assert f"{datetime.now().astimezone():%Y-%m-%d}" in page and "own statement" in page


def test_each_exercise_has_the_day_of_its_last_check():
    page = certificate("A", ALL, today=datetime(2026, 12, 1, 12, tzinfo=UTC))
    assert "from <time>2026-03-09</time> to " + f"<time>{max(ALL.values()).astimezone():%Y-%m-%d}" in page
    assert "made on 2026-12-01" in page
    for step in EXERCISES:
        day = max(ALL[key] for key in step.keys)
        assert f"<td>{day.astimezone():%Y-%m-%d}</td>" in page
    assert "on <time>2026-03-09</time>." in certificate("A", dict.fromkeys(KEYS, DAY))


@pytest.mark.parametrize(("answer", "replaced"), [("y", True), ("", False), ("n", False)])
def test_an_older_page_is_replaced_only_when_asked(complete, tmp_path, monkeypatch, capsys, answer, replaced):
    out = tmp_path / "c.html"
    out.write_text("older", encoding="utf-8")
    command = ["certificate", "--name", "A", "--out", str(out)]
    assert main(command) == 1 and "is there already" in capsys.readouterr().out  # nobody to ask
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(command) == (0 if replaced else 1)
    assert (out.read_text(encoding="utf-8") == "older") is not replaced


def test_no_page_for_no_name_or_no_folder(complete, tmp_path, capsys):
    assert main(["certificate", "--name", "  ", "--out", str(tmp_path / "c.html")]) == 2
    assert main(["certificate", "--name", "A", "--out", str(tmp_path / "none" / "c.html")]) == 2
    assert list(tmp_path.glob("*.html")) == []


@pytest.mark.heavy
@needs_chromium
def test_it_prints_on_one_page_and_fetches_nothing(tmp_path):
    from pypdf import PdfReader

    with launch_chromium() as browser:
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for name in ("Ana Limabrook", "W" * 80, "عبدالله بن محمد"):
            (file := tmp_path / "c.html").write_text(certificate(name, ALL), encoding="utf-8")
            page.goto(file.as_uri())
            assert page.locator(".name").inner_text() == name
            for paper in ("A4", "Letter"):
                pages = PdfReader(io.BytesIO(page.pdf(format=paper, prefer_css_page_size=True))).pages
                assert len(pages) == 1, (name, paper)
        assert set(asked) == {file.as_uri()}
