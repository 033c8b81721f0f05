"""Answers that are nearly the same text."""

from classroom.alike import Text, alike, own_text

GIVEN = "Write two or three sentences for each of your two cases: which ranking is better, and why?\n"
LONG = (
    "The cross-encoder reads both texts together and sees that document two only repeats the question asked."
)


def text(student, words, kind="words", given=GIVEN, part="why"):
    return Text(student, "ex07", part, kind, words, given)


def test_the_same_words_are_listed_whatever_their_shape():
    pairs = alike([text("Ana", LONG), text("Bo", LONG.upper().replace(" ", "\n  ")), text("Cy", LONG[::-1])])
    assert [(pair.first.student, pair.second.student, pair.share) for pair in pairs] == [("Ana", "Bo", 1.0)]


def test_a_word_changed_is_still_alike_and_another_answer_is_not():
    other = (
        "I find cosine better here, because the vector of a short text says what it is about, and no more."
    )
    pairs = alike([text("Ana", LONG), text("Bo", LONG.replace("only", "merely")), text("Cy", other)])
    assert len(pairs) == 1 and 0.9 < pairs[0].share < 1


def test_the_exercise_s_own_text_makes_nobody_alike():
    own = ["Mine.", "Something else."]
    assert alike([text(student, GIVEN + words) for student, words in zip("ab", own)]) == []
    assert own_text(GIVEN + "  Mine. ", GIVEN) == "mine."
    assert own_text(GIVEN.upper(), GIVEN) == ""


def test_short_answers_and_one_student_s_own_are_left_out():
    assert alike([text("Ana", "It is better."), text("Bo", "It is better.")]) == []
    assert alike([text("Ana", LONG), text("Ana", LONG)]) == []
    assert alike([text("Ana", LONG), text("Bo", LONG, part="other")]) == []


def test_code_is_compared_from_some_length_on():
    code = "\n".join(f"    value_{i} = compute(query, documents[{i}])" for i in range(9))
    assert len(alike([text("Ana", code, "code"), text("Bo", code, "code")])) == 1
    assert alike([text("Ana", code[:150], "code"), text("Bo", code[:150], "code")]) == []
