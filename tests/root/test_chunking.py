"""Windows of long documents, and the reranker that scores a document by its best one."""

import numpy as np
import pytest

from rerank_course.chunking import BestWindow, Window, room_for_document, windows
from rerank_course.rerank import rerank_documents
from rerank_course.texts.corpora import load_corpus

QUERY = "How many people live in Berlin?"
ANSWER = "Berlin had a population of 3,520,031 registered inhabitants."
FILLER = "The ferry crosses the bay at noon and comes back before dark. " * 60


@pytest.fixture(scope="module")
def tokenizer(reranker):
    return reranker.tokenizer


def count(tokenizer, text):
    return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


@pytest.mark.parametrize(("max_tokens", "overlap"), [(50, 0), (50, 10), (7, 6), (200, 64), (1, 0)])
def test_windows_cover_the_text_fit_and_overlap(tokenizer, max_tokens, overlap):
    text = "Größe zählt, naïve café! " + FILLER[:900]
    pieces = windows(text, tokenizer, max_tokens, overlap)
    assert all(piece.text == text[piece.start : piece.end] for piece in pieces)
    assert pieces[0].start == 0 and pieces[-1].end == len(text.rstrip())
    covered = np.zeros(len(text), bool)
    for piece in pieces:
        covered[piece.start : piece.end] = True
        assert count(tokenizer, piece.text) <= max_tokens + 1
    assert not [character for character, seen in zip(text, covered) if not seen and not character.isspace()]
    for before, after in zip(pieces, pieces[1:]):
        shared = text[after.start : before.end]
        # A window may begin inside a word, and half a word makes other tokens than it made in the whole.
        assert abs(count(tokenizer, shared) - overlap) <= 2 if overlap else after.start >= before.end
    assert len({piece.start for piece in pieces}) == len(pieces)


def test_a_text_that_fits_is_one_window(tokenizer):
    assert windows(ANSWER, tokenizer, 200, 20) == [Window(ANSWER, 0, len(ANSWER))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((" ", 5, 0), "document is empty"),
        (("a", 5, 5), "overlap"),
        (("a", 5, -1), "overlap"),
        (("a", 0, 0), "overlap"),
    ],
)
def test_bad_numbers(tokenizer, arguments, message):
    text, max_tokens, overlap = arguments
    with pytest.raises(ValueError, match=message):
        windows(text, tokenizer, max_tokens, overlap)


def test_an_answer_past_the_limit_is_found_and_its_window_named(reranker):
    document = FILLER + ANSWER
    plain = float(reranker.predict((QUERY, document)))
    ((score, window),) = BestWindow(reranker, window=128).best_windows([(QUERY, document)])
    assert plain < -8 and score > 0, "the model cannot see the answer, and the best window can"
    assert ANSWER in window.text and document[window.start : window.end] == window.text


def test_short_documents_score_as_without_windows_and_order_is_kept(reranker):
    pairs = [(QUERY, ANSWER), (QUERY, FILLER + ANSWER), (QUERY, "Penguins cannot fly."), (QUERY, FILLER)]
    scores = BestWindow(reranker, window=128).predict(pairs)
    assert scores[[0, 2]] == pytest.approx(reranker.predict([pairs[0], pairs[2]]), abs=1e-4)
    assert scores[1] > 0 > scores[3]
    assert BestWindow(reranker).best_windows([]) == []


def test_no_window_of_the_handbook_is_cut_by_the_model(reranker):
    """The longest passages and a long query: each window with its query fits the model's limit."""
    rules = (
        "Which of the rules on expenses, travel and leave apply to an intern in Rotterdam who works late? "
    )
    query = rules * 3
    best = BestWindow(reranker)
    for chunk in load_corpus("handbook").documents.values():
        if len(chunk.content) > 2000:
            for window in best._windows(query, chunk.content):
                tokens = reranker.tokenizer(query, window.text, verbose=False)["input_ids"]
                assert len(tokens) <= reranker.max_seq_length


def test_it_is_a_reranker_like_any_other(reranker):
    ranking = rerank_documents(QUERY, [FILLER, FILLER + ANSWER], BestWindow(reranker, window=128))
    assert ranking[0][0].endswith(ANSWER)


def test_a_query_that_leaves_no_room(reranker):
    assert room_for_document("one two", reranker) == 512 - 2 - 3
    with pytest.raises(ValueError, match="no room for a document. Shorten it"):
        BestWindow(reranker).predict([("word " * 600, "text")])
    with pytest.raises(ValueError, match="window must be at least 16"):
        BestWindow(reranker, window=3)
