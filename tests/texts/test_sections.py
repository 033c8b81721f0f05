"""Texts cut into chunks: at headings, between paragraphs, at ends of sentences."""

import time

import pytest

from rerank_course.texts.sections import MAX_WORDS, chunk_text


def words(count, word="word"):
    return " ".join(f"{word}{i}" for i in range(count))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\r\n\t", []),
        ("a\nb", [("T", "a\nb")]),
        ("a\r\nb\r\n\r\n\r\nc\r\n", [("T", "a\nb\n\nc")]),
        ("a\n \t \nb", [("T", "a\n\nb")]),
        ("    indented\n    code\n", [("T", "    indented\n    code")]),
        ("before\n# A\nunder A", [("T", "before"), ("A", "under A")]),
        ("# A\n## B\n### C\nc\n## D\nd\n# E\ne", [("A > B > C", "c"), ("A > D", "d"), ("E", "e")]),
        ("# A\na\n## B\nb\n# A\nagain", [("A", "a"), ("A > B", "b"), ("A", "again")]),
        ("### Deep\nx\n## Less\ny\n#### Skips\nz", [("Deep", "x"), ("Less", "y"), ("Less > Skips", "z")]),
        ("# A\n\n# B\nb", [("B", "b")]),
        ("  ## Closed ##  \nx", [("Closed", "x")]),
        ("# C#\nx\n# #5 wins #\ny", [("C#", "x"), ("#5 wins", "y")]),
        ("#\tTab\nx", [("Tab", "x")]),
        ("# A\n##\nx", [("A", "x")]),
        ("#\nx", [("T", "x")]),
        (
            "#tag\n#5\n####### seven\n    # indented\n\\# escaped",
            [("T", "#tag\n#5\n####### seven\n    # indented\n\\# escaped")],
        ),
        ("# Übergröße & Ähnliches\nÖl", [("Übergröße & Ähnliches", "Öl")]),
        (
            "# A\n```sh\n# no heading\n\nls\n```\n# B\nb",
            [("A", "```sh\n# no heading\n\nls\n```"), ("B", "b")],
        ),
        ("~~~\n# no\n```\n# no\n~~~\n# B\nb", [("T", "~~~\n# no\n```\n# no\n~~~"), ("B", "b")]),
        ("````\n```\n# no\n````\n# B\nb", [("T", "````\n```\n# no\n````"), ("B", "b")]),
        (
            "```\n``` not closed\n# no\n`````  \n# B\nb",
            [("T", "```\n``` not closed\n# no\n`````"), ("B", "b")],
        ),
        ("- item\n  ```\n  # no\n  ```\n# B\nb", [("T", "- item\n  ```\n  # no\n  ```"), ("B", "b")]),
        ("```never closed\n# no\n\n# no", [("T", "```never closed\n# no\n\n# no")]),
        ("```one line```\n# B\nb", [("T", "```one line```"), ("B", "b")]),
    ],
)
def test_sections(text, expected):
    assert chunk_text(text, "T") == expected


def test_plain_text_has_no_headings_and_no_fences():
    assert chunk_text("# a\n```\n\nb", "T", markdown=False) == [("T", "# a\n```\n\nb")]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([200], [[200]]),
        ([100, 100], [[100, 100]]),
        ([100, 101], [[100], [101]]),
        ([50, 60, 70, 80, 90], [[50, 60, 70], [80, 90]]),
        ([199, 1, 1], [[199, 1], [1]]),
    ],
)
def test_paragraphs_are_packed_whole(sizes, expected):
    text = "\n\n".join(words(size) for size in sizes)
    assert chunk_text(text, "T") == [("T", "\n\n".join(words(size) for size in group)) for group in expected]


def test_sections_are_not_packed_together():
    assert chunk_text("# A\na\n# B\nb", "T") == [("A", "a"), ("B", "b")]


def test_every_piece_of_a_section_has_its_title():
    assert [title for title, _ in chunk_text(f"# A\n## B\n{words(500)}", "T")] == ["A > B"] * 3


@pytest.mark.parametrize("end", [".", "!", "?", "…", '."', ".)", ".”", ".“", ".«", ".»"])
def test_a_long_paragraph_is_cut_at_ends_of_sentences(end):
    sentences = [words(59) + f" last{i}{end}" for i in range(10)]
    chunks = [text for _, text in chunk_text("\n".join(sentences), "T")]
    assert chunks == ["\n".join(sentences[i : i + 3]) for i in range(0, 10, 3)]


def test_a_point_within_a_word_is_no_end_of_a_sentence():
    (_, first), (_, second) = chunk_text(words(100) + ". " + " ".join(["3.14"] * 150), "T")
    assert first == words(100) + "." and second == " ".join(["3.14"] * 150)


def test_a_sentence_that_is_too_long_is_cut_between_words():
    chunks = [text for _, text in chunk_text(f"Short one. {words(450)}. Short two.", "T")]
    assert [len(text.split()) for text in chunks] == [2, 200, 200, 52]
    assert " ".join(chunks) == f"Short one. {words(450)}. Short two."


def test_a_cut_paragraph_shares_chunks_with_its_neighbours():
    long = " ".join(words(24, f"s{i}x") + " end." for i in range(10))
    chunks = [
        text for _, text in chunk_text(f"{words(100, 'before')}\n\n{long}\n\n{words(20, 'after')}", "T")
    ]
    assert [len(text.split()) for text in chunks] == [200, 170]
    assert chunks[0].startswith(words(100, "before") + "\n\ns0x0") and chunks[0].endswith("s3x23 end.")
    assert chunks[1].startswith("s4x0") and chunks[1].endswith("end.\n\n" + words(20, "after"))


@pytest.mark.parametrize("text", ["x" * 100_000, "読む" * 20_000, "これは文です。" * 10_000])
def test_text_without_spaces_is_cut_as_well(text):
    chunks = [chunk for _, chunk in chunk_text(text, "T")]
    assert "".join(chunks) == text
    assert max(map(len, chunks)) <= MAX_WORDS * 40
    assert "。" not in text or all(chunk.endswith("。") and len(chunk) <= MAX_WORDS for chunk in chunks)


def test_a_code_block_with_blank_lines_is_one_paragraph():
    code = f"```\n{words(50)}\n\n\n{words(50)}\n```"
    assert chunk_text(f"{words(120)}\n\n{code}", "T") == [("T", words(120)), ("T", code)]


def test_a_long_code_block_keeps_its_lines():
    code = "```\n" + "\n\n".join(f"    line {i}  # comment" for i in range(200)) + "\n```"
    chunks = [chunk for _, chunk in chunk_text(f"# A\n{code}", "T")]
    assert len(chunks) == 5 and "\n\n    line 1  # comment\n\n" in chunks[0]
    assert "".join("".join(chunks).split()) == "".join(code.split())


def test_no_word_is_lost_or_doubled_and_no_chunk_is_too_long():
    text = "\n\n".join(words(size, f"p{size}x") + "." for size in range(1, 420, 13))
    chunks = [chunk for _, chunk in chunk_text(text, "T")]
    assert " ".join(chunks).split() == text.split()
    assert max(len(chunk.split()) for chunk in chunks) <= MAX_WORDS


def test_a_megabyte_is_cut_in_seconds():
    start = time.perf_counter()
    for text in (
        "word. " * 200_000,
        "# " * 500_000,
        "#" * 1_000_000,
        ". " * 500_000,
        '."' * 500_000,
        "\n" * 1_000_000,
        "# a\nb\n" * 150_000,
    ):
        chunk_text(text, "T")
    assert time.perf_counter() - start < 60
