"""Which words a score hangs on."""

import pytest

from rerank_course.lab.occlusion import word_importance


class Counting:
    """A score that is easy to follow: 2 for each "hot", −1 for each "cold", in the text that is watched."""

    def __init__(self, place):
        self.place, self.calls = place, []

    def __call__(self, pairs):
        self.calls.append(list(pairs))
        return [2.0 * pair[self.place].count("hot") - pair[self.place].count("cold") for pair in pairs]


def test_each_word_of_the_document_is_left_out_once():
    score = Counting(1)
    assert word_importance("q", "hot  cold\ntea hot", score) == [
        ("hot", 2),
        ("cold", -1),
        ("tea", 0),
        ("hot", 2),
    ]
    assert score.calls == [
        [
            ("q", "hot  cold\ntea hot"),
            ("q", "cold tea hot"),
            ("q", "hot tea hot"),
            ("q", "hot cold hot"),
            ("q", "hot cold tea"),
        ]
    ]


def test_words_of_the_query_can_be_left_out_instead():
    score = Counting(0)
    assert word_importance("hot tea", "cold cold", score, of="query") == [("hot", 2), ("tea", 0)]
    assert score.calls[0][1:] == [("tea", "cold cold"), ("hot", "cold cold")]


def test_with_the_models(reranker, embedder):
    def cosine(pairs):
        queries, documents = zip(*pairs)
        return embedder.similarity_pairwise(embedder.encode(queries), embedder.encode(documents))

    query, document = "When does the market open?", "The market opens at eight in the morning."
    for score in (reranker.predict, cosine):
        importance = dict(word_importance(query, document, score))
        assert max(importance, key=importance.get) in ("market", "opens", "eight")
        assert all(type(value) is float for value in importance.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"of": "title"}, "of must be"),
        ({"of": "query"}, "query has 1 words"),
        ({"document": ""}, "document has 0 words"),
    ],
)
def test_nothing_to_leave_out(arguments, message):
    with pytest.raises(ValueError, match=message):
        word_importance(**{"query": "one", "document": "two words", "score": Counting(1)} | arguments)
