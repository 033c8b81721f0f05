"""Wrong answers to the exercise long_document."""
# ruff: noqa: RET503 (as people write)

from tests.checks.ways.long_document import (
    WAYS,
    best_by_sorting,
    count_by_encode,
    cut_in_a_while_loop,
    hide_by_recursion,
    size_of,
)

wrong = WAYS.wrong


def counted(**changed):
    def answer(query, document, reranker):
        right = count_by_encode(query, document, reranker)
        return right | {key.replace("_", " "): change(right, reranker) for key, change in changed.items()}

    return answer


for _name, _changed, _message in (
    ("two_at_once", {"query": lambda c, r: c["query"] + 2}, "You count the special tokens too"),
    ("special_four", {"special": lambda c, r: 4}, "for 'special'; it is 3"),
    ("one_less", {"not_read": lambda c, r: max(0, c["not read"] - 1)}, "for 'not read'; it is"),
    ("as_text", {"not_read": lambda c, r: str(c["not read"])}, "four whole numbers"),
    ("true_or_false", {"not_read": lambda c, r: c["not read"] > 0}, "four whole numbers"),
    ("from_the_limit", {"not_read": lambda c, r: c["document"] - r.max_seq_length}, "gives"),
):
    wrong("count_tokens", _message, _name)(counted(**_changed))


@wrong("hide_the_answer", "so it still sees some of it")
def hide_until_the_answer_fits_only_partly(query, answer, filler, reranker):
    front = filler
    while count_by_encode(query, f"{front} {answer}", reranker)["not read"] == 0:
        front += f" {filler}"
    return f"{front} {answer}", front


@wrong("hide_the_answer", "so it still sees some of it")
def hide_without_the_query(query, answer, filler, reranker):
    tokens = len(reranker.tokenizer.tokenize(filler))
    copies = (reranker.max_seq_length - 3 - len(reranker.tokenizer.tokenize(answer))) // tokens
    front = " ".join([filler] * max(copies, 1))
    return f"{front} {answer}", front


@wrong("hide_the_answer", "so it still sees some of it")
def hide_in_words(query, answer, filler, reranker):
    front = filler
    while len(front.split()) < reranker.max_seq_length * 0.6:
        front += f" {filler}"
    return f"{front} {answer}", front


@wrong("hide_the_answer", "differ in more than the answer")
def hide_with_another_text(query, answer, filler, reranker):
    whole, without = hide_by_recursion(query, answer, filler, reranker)
    return whole, without + filler


@wrong("hide_the_answer", "a second document that still holds the answer")
def hide_twice(query, answer, filler, reranker):
    whole, _ = hide_by_recursion(query, answer, filler, reranker)
    return f"{whole} {answer}", whole


@wrong("cut_windows", "Make them as long as fits")
def cut_to_two_thirds(query, document, reranker, overlap):
    return cut_of(document, reranker, size_of(query, reranker) * 2 // 3, overlap)


def cut_of(document, reranker, size, overlap):
    places = reranker.tokenizer(
        document, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )["offset_mapping"]
    starts = range(0, max(1, len(places) - overlap), size - overlap)
    return [document[places[i][0] : places[min(i + size, len(places)) - 1][1]] for i in starts]


@wrong("cut_windows", "Make them as long as fits")
def cut_for_a_limit_of_128(query, document, reranker, overlap):
    return cut_of(document, reranker, size_of(query, reranker) * 128 // reranker.max_seq_length, overlap)


@wrong("cut_windows", "Make them as long as fits")
def cut_with_the_special_tokens_times_the_query_s(query, document, reranker, overlap):
    size = reranker.max_seq_length - 3 * len(reranker.tokenizer.tokenize(query)) - 1
    return cut_of(document, reranker, size, overlap)


@wrong("cut_windows", "left out the last")
def cut_while_full(query, document, reranker, overlap):
    windows = cut_in_a_while_loop(query, document, reranker, overlap)
    return windows[:-1] if len(windows) > 1 else windows


@wrong("cut_windows", "an answer across the border is cut in two")
def cut_without_overlap(query, document, reranker, overlap):
    return cut_of(document, reranker, size_of(query, reranker), 0)


@wrong("cut_windows", "that share 23 tokens. Count the overlap")
def cut_with_an_overlap_of_one_less(query, document, reranker, overlap):
    return cut_of(document, reranker, size_of(query, reranker), overlap - 1)


@wrong("cut_windows", "that is 1 too many")
def cut_one_too_long(query, document, reranker, overlap):
    return cut_of(document, reranker, size_of(query, reranker) + 1, overlap)


@wrong("best_window", "That is the lowest score")
def best_as_the_worst(query, windows, reranker):
    scores = reranker.predict([(query, window) for window in windows])
    return min(zip(scores, windows), key=lambda row: row[0])


@wrong("best_window", "the size of a score")
def best_by_size(query, windows, reranker):
    scores = reranker.predict([(query, window) for window in windows])
    return max(zip(map(abs, scores), windows), key=lambda row: row[0])


@wrong("best_window", "That is the score of the first window")
def best_returned_in_the_loop(query, windows, reranker):
    for window in windows:
        return float(reranker.predict((query, window))), window


@wrong("best_window", "with the window")
def best_with_its_white_space_off(query, windows, reranker):
    score, window = best_by_sorting(query, windows, reranker)
    return score, window.strip(".")
