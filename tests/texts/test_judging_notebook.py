import json

import pytest

from rerank_course.text import Chunk
from rerank_course.texts.judgements import Judgements
from rerank_course.texts.judging_notebook import NOT_JUDGED, judge_in_notebook
from tests.texts.judging_support import CHUNKS, HEADER, Person, files, ranking, read_qrels


def rows(widget):
    """[(text, buttons, message), …] of each chunk."""
    return [(row.children[0], *row.children[1].children) for row in widget.children[1:]]


def test_the_widget_records_when_a_button_changes(tmp_path):
    judgements = Judgements(tmp_path)
    widget = judge_in_notebook(judgements, " Größe? ", CHUNKS)
    buttons = [button for _, button, _ in rows(widget)]
    assert len(buttons) == 4 and {button.value for button in buttons} == {NOT_JUDGED}
    assert buttons[0]._options_labels == ("–", "0", "1", "2", "3")
    buttons[1].value = 3
    assert read_qrels(tmp_path) == f"{HEADER}q1\td1\t3\n" and rows(widget)[1][2].value == "saved"
    buttons[1].set_state({"index": 1})  # what a click in the browser sends
    buttons[2].set_state({"index": 3})
    assert Judgements(tmp_path).qrels == judgements.qrels == {"q1": {"d1": 0, "d2": 2}}
    assert judgements.queries == {"q1": "Größe?"}


def test_grades_that_are_there_are_shown(tmp_path):
    judgements = Judgements(tmp_path)
    judgements.record(judgements.add_query("which?"), "d2", 0)
    before = files(tmp_path)
    widget = judge_in_notebook(judgements, "which?", CHUNKS)
    assert [button.value for _, button, _ in rows(widget)] == [NOT_JUDGED, NOT_JUDGED, 0, NOT_JUDGED]
    assert files(tmp_path) == before


def test_a_grade_is_changed_but_not_taken_back(tmp_path):
    widget = judge_in_notebook(Judgements(tmp_path), "which?", CHUNKS[:1])
    ((_, buttons, message),) = rows(widget)
    buttons.value = 2
    buttons.value = NOT_JUDGED
    assert buttons.value == 2 and "not taken back" in message.value
    assert Judgements(tmp_path).qrels == {"q1": {"d0": 2}}


def test_a_click_that_cannot_be_saved_says_so_and_is_not_shown_as_saved(tmp_path):
    ((_, buttons, message),) = rows(judge_in_notebook(Judgements(tmp_path), "which?", CHUNKS[:1]))
    (tmp_path / "queries.jsonl").write_text("{<not json>}", encoding="utf-8")
    buttons.value = 2
    assert buttons.value == NOT_JUDGED
    assert "Not saved" in message.value and "line 1 is not JSON" in message.value


def test_html_is_escaped_and_long_texts_are_shortened(tmp_path):
    evil = '<script>alert("1")</script> & <b>'
    chunks = [Chunk("d1", evil, f"title {evil}"), Chunk("d2", "word " * 1000)]
    widget = judge_in_notebook(Judgements(tmp_path), f"query {evil}", chunks)
    shown = [widget.children[0].value, *(text.value for text, _, _ in rows(widget))]
    for text in shown[:2]:
        assert "<script" not in text
        assert "&lt;script&gt;alert(&quot;1&quot;)" in text and "&amp; &lt;b&gt;" in text
    assert shown[1].count("&lt;script") == 2 and len(shown[2]) < 1200 and "more lines]" in shown[2]


def test_queries_of_a_widget_and_a_terminal_are_the_same(tmp_path):
    judgements = Judgements(tmp_path)
    rows(judge_in_notebook(judgements, "which?", CHUNKS))[0][1].value = 1
    person = Person("2", "q")
    assert person.judge(judgements) == 1 and "2 of 4" in person.cards()[0]
    lines = (tmp_path / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["_id"] for line in lines] == ["q1"]


def test_a_grade_of_another_text_is_not_shown_and_the_last_click_ends_the_query(tmp_path):
    before = {"row-2": Chunk("row-2", "one"), "row-3": Chunk("row-3", "two")}
    for _, buttons, _ in rows(judge_in_notebook(Judgements(tmp_path, before), "which?", [*before.values()])):
        buttons.value = 3
    now = {"row-2": Chunk("row-2", "new"), "row-3": Chunk("row-3", "one"), "row-4": Chunk("row-4", "edited")}
    judgements = Judgements(tmp_path, now)
    widget = judge_in_notebook(judgements, "which?", [*now.values()])
    assert [buttons.value for _, buttons, _ in rows(widget)] == [NOT_JUDGED, 3, NOT_JUDGED]
    rows(widget)[0][1].value = 0
    assert judgements.outdated == {"q1": {"row-3": 3}}
    rows(widget)[2][1].value = 1
    assert judgements.outdated == {} and Judgements(tmp_path, now).outdated == {}
    assert judgements.qrels == {"q1": {"row-2": 0, "row-3": 3, "row-4": 1}}


def test_a_grade_that_no_button_can_show_is_said_beside_it(tmp_path, file):
    file("queries.jsonl", '{"_id": "q1", "text": "which?"}')
    file("qrels/test.tsv", f"{HEADER}q1\trow-2\t3\nq1\t<d2>\t-1\n")
    chunks = [Chunk("row-2", "one"), Chunk("<d2>", "two")]
    widget = judge_in_notebook(Judgements(tmp_path), "which?", chunks)
    assert [buttons.value for _, buttons, _ in rows(widget)] == [NOT_JUDGED, NOT_JUDGED]
    assert [message.value for _, _, message in rows(widget)] == [
        "row-2 has the grade 3, perhaps for another text",
        "&lt;d2&gt; has the grade -1",
    ]
    rows(widget)[0][1].value = 3
    assert rows(widget)[0][2].value == "saved"
    assert Judgements(tmp_path).qrels == {"q1": {"row-2": 3, "<d2>": -1}}
    again = judge_in_notebook(Judgements(tmp_path), "which?", chunks)
    assert rows(again)[0][1].value == 3 and rows(again)[0][2].value == ""


def test_a_widget_names_what_is_no_chunk(tmp_path):
    with pytest.raises(TypeError, match="found a tuple"):
        judge_in_notebook(Judgements(tmp_path), "which?", ranking("a"))
