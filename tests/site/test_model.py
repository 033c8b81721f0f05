"""The models in the page: the same scores and rankings as the Python package, with no network."""

import numpy as np
import pytest

from rerank_course.lab.explorers.length_explorer import what_the_model_reads
from rerank_course.lab.explorers.query_comparer import compare_query
from rerank_course.lab.occlusion import word_importance
from rerank_course.mixing import mix
from rerank_course.texts.corpora import load_corpus
from tests.site.built import needs_libraries
from tests.site.live_page import as_number, column
from tests.support.browser import needs_chromium

pytestmark = [pytest.mark.heavy, needs_chromium, needs_libraries]
# A score in the page against the product's float32, on pairs of all lengths. Measured: 0.00003.
BOUND = 1e-3
COSINE_BOUND = 1e-5
PAIRS = 200
QUESTION = "May I bring my dog to the office?"
TEXTS = [
    "Dogs are welcome in the garden, and not in the building.",
    "May I bring my dog to the office? Ask the front desk.",
    "The office opens at seven.",
    "Pets stay at home, except guide dogs.",
    "You can bring a guest to lunch on Fridays.",
    "Our dog food is sold in twelve countries.",
    "The director’s office is on the third floor.",
    "Animals of any kind are not allowed at the workplace.",
    "Bring a coat: the garden is cold.",
    "Nobody has asked about cats yet.",
]
# Texts as nobody would write them.
STRANGE = [
    ("a", "b"),
    ("  two  blanks ", "line\nends\r\nand\ttabs\u00a0here"),
    ("É" * 20, "漢字かな " * 100),
    ("naïve Straße ﬁne Å", "e\u0301 🙂👩‍👩‍👧 \u200b\ufeff ½ ①"),
    ("? ! . ," * 20, "0 1 2 3 4 5 " * 80),
    ("the " * 700, "the " * 700),
    ("the " * 300, "a short text"),
    ("[SEP] [MASK]", "[CLS] [PAD] [UNK] " * 20),
    ("Ο ΟΔΥΣΣΕΥΣ ΚΑΙ ΤΗΣ ΣΟΦΙΑΣ", "ΑΣ ΔΟΥΜΕ: ΣΙΣΥΦΟΣ, Σ."),
    ("বাং\u09feলা ক", "తె\u0c3cలుగు word\u0c3c and \u1ab0 mark\u2e52"),
    ("漢\U00020000字\U0002a6d6か", "\U0002b740\U0002f800 rare \U0002ceaf and \U0002b820"),
    ("İSTANBUL ΐ ŉ ǰ", "ẞ ﬃ Å \u1e9a K"),
    ("x" * 150, "SELECT * FROM t WHERE a <> 'b'; -- https://example.org/?q=1&r=2"),
]
SCORES = """async (load, pairs) => {
    const {engine} = await load('engine/client.js');
    await engine.load(['reranker']);
    return engine.score(pairs);
}"""
VECTORS = """async (load, texts) => {
    const {engine} = await load('engine/client.js');
    await engine.load(['embedder']);
    return engine.embed(texts);
}"""
ENDS = """async (load, texts) => {
    const [{Tokenizer}, {encodePair}] = await Promise.all(
        [load('vendor/tokenizers.min.js'), load('engine/pieces.js')]);
    const get = async path => (await fetch(new URL(`_static/live/${path}`, texts.address))).json();
    const json = await get((await get('models.json')).tokenizer.path);
    const tokenizer = new Tokenizer(json, {});
    return texts.pairs.map(([query, document, limit]) => encodePair(tokenizer, query, document, limit));
}"""


def pairs_of_all_lengths():
    """Strange ones, and words of the handbook: from two to past the model's limit, short ones more often."""
    handbook, random = load_corpus("handbook"), np.random.default_rng(0)
    queries = list(handbook.queries.values())
    words = " ".join(document.content for document in handbook.documents.values()).split()
    long = np.geomspace(40, 450, 15)
    lengths = np.append(np.geomspace(2, 40, PAIRS - len(STRANGE) - len(long)), long).astype(int)
    starts = random.integers(len(words) - 450, size=len(lengths))
    texts = [" ".join(words[start : start + length]) for start, length in zip(starts, lengths)]
    return [*STRANGE, *((queries[i % len(queries)], text) for i, text in enumerate(texts))]


@pytest.mark.timeout(900)  # some minutes on a busy machine
def test_scores_of_pairs_of_all_lengths_are_the_product_s_own(live, reranker):
    live.open("own_ten", "own_ten")
    pairs = pairs_of_all_lengths()
    found = np.array(live.module(SCORES, pairs))
    lengths = [len(reranker.tokenizer(*pair, truncation=False, verbose=False)["input_ids"]) for pair in pairs]
    assert len(found) == PAIRS and min(lengths) < 8 and max(lengths) > 512
    difference = np.abs(found - reranker.predict(pairs, batch_size=8))
    print(f"largest difference {difference.max():.2g}, mean length {np.mean(lengths):.0f} tokens")
    assert difference.max() < BOUND, pairs[difference.argmax()]


def test_vectors_are_the_product_s_own_past_the_embedder_s_limit_too(live, embedder):
    live.open("own_ten", "own_ten")
    texts = [text for _, text in pairs_of_all_lengths()[::10]]
    found = np.array(live.module(VECTORS, texts))
    cosines = (found * embedder.encode(texts, normalize_embeddings=True)).sum(axis=1)
    assert np.abs(cosines - 1).max() < COSINE_BOUND


def test_what_is_read_ends_where_python_says(live, reranker):
    live.open("own_ten", "own_ten")
    handbook = load_corpus("handbook")
    documents = [text for document in handbook.documents.values() if len(text := document.content) > 2500]
    query = "How soon must an interviewer fill in the scorecard?"
    wanted = [(query, text, limit) for text in documents[:8] for limit in (32, 128, 256, 512)]
    wanted += [(*pair, limit) for pair in STRANGE if "UNK" not in pair[1] for limit in (16, 512)]

    class Unscored:
        tokenizer, max_seq_length = reranker.tokenizer, 512

        def predict(self, pairs):
            return [0.0]

    found = live.module(ENDS, {"address": live.address, "pairs": wanted})
    for (query, text, limit), cut in zip(wanted, found):
        own = reranker.tokenizer(query, text, truncation="longest_first", max_length=limit, verbose=False)
        assert cut["ids"] == own["input_ids"] and cut["types"] == own["token_type_ids"], (query[:50], limit)
        if "[UNK]" not in reranker.tokenizer.convert_ids_to_tokens(own["input_ids"]):
            reading = what_the_model_reads(query, text, Unscored(), limit)
            assert text[: cut["documentEnd"]].rstrip() == reading.document.rstrip(), (text[:50], limit)


def test_a_typed_question_gets_the_ranking_that_the_package_gives(live, reranker, embedder):
    """Cosine, cross-encoder, mix and words, all by the keyboard, with the network off."""
    explorer = live.open("own_ten", "own_ten")
    live.start_at(explorer)
    live.tab_to("Question")
    live.tab.keyboard.press("Control+A")
    live.tab.keyboard.type(QUESTION)
    live.tab_to("Texts")
    live.tab.keyboard.press("Control+A")
    live.tab.keyboard.insert_text("\n".join(TEXTS))
    live.tab_to("Load both models")
    live.tab.keyboard.press("Enter")
    status = explorer.get_by_role("status").first
    explorer.locator("table").first.wait_for()
    assert status.inner_text().startswith("10 texts ranked.")

    wanted = compare_query(QUESTION, TEXTS, reranker, embedder)
    assert column(explorer, 0) == list(wanted["text"])
    for number, name, digits in (
        (1, "cross-encoder rank", 0),
        (2, "cross-encoder score", 2),
        (3, "cosine rank", 0),
        (4, "cosine score", 2),
        (5, "moved", 0),
    ):
        found = [as_number(text) for text in column(explorer, number)]
        assert found == pytest.approx(list(wanted[name].astype(float)), abs=0.0051 if digits else 0), name

    by_cosine = wanted.sort_values("cosine rank")
    first_stage = list(zip(by_cosine["text"], by_cosine["cosine score"].astype(float)))
    reranked = list(zip(wanted["text"], wanted["cross-encoder score"].astype(float)))
    for weight, keys in ((0.5, ""), (0.2, "ArrowLeft " * 3), (1.0, "End"), (0.0, "Home")):
        if keys:
            live.start_at(explorer)
            live.tab_to("The cross-encoder’s weight")
            for key in keys.split():
                live.tab.keyboard.press(key)
        order = [text for text, _ in mix(first_stage, reranked, weight)]
        assert [order.index(text) + 1 for text in column(explorer, 0)] == [
            int(rank) for rank in column(explorer, 6)
        ]

    live.tab_to("Leave out each word")
    live.tab.keyboard.press("Enter")
    words = explorer.locator(".live-words tbody tr")
    words.first.wait_for(state="attached")
    best = wanted["text"][0]
    shown = words.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    importance = word_importance(QUESTION, best, reranker.predict)
    assert [word for word, _ in shown] == [word for word, _ in importance]
    assert [as_number(value) for _, value in shown] == pytest.approx([v for _, v in importance], abs=0.006)


def test_the_pair_explorer_by_keyboard(live, reranker):
    explorer = live.open("scoring_pairs", "pair")
    live.start_at(explorer)
    live.tab_to("Load the model")
    live.tab.keyboard.press("Enter")
    explorer.locator(".live-score").wait_for()
    status = explorer.locator(".live-result .live-status")
    before = status.inner_text()
    live.start_at(explorer)
    live.tab_to("Query")
    live.tab.keyboard.press("Control+A")
    live.tab.keyboard.type("How many people live in Berlin?")
    said = live.changed(status, before)
    document = explorer.get_by_label("Document").input_value()
    score = reranker.predict(("How many people live in Berlin?", document))
    assert as_number(explorer.locator(".live-score").inner_text()) == pytest.approx(float(score), abs=0.0051)
    live.tab_to("The word pieces")
    live.tab.keyboard.press("Enter")
    pieces = explorer.locator(".live-pieces code").all_inner_texts()
    ids = reranker.tokenizer("How many people live in Berlin?", document)["input_ids"]
    assert pieces == reranker.tokenizer.convert_ids_to_tokens(ids) and f"{len(ids)} tokens of" in said
    live.start_at(explorer)
    live.tab_to("Query")
    live.tab.keyboard.press("Control+A")
    live.tab.keyboard.press("Delete")
    assert "The query is empty" in live.changed(status, said)


def test_the_length_explorer_by_keyboard(live, reranker):
    explorer = live.open("when_scores_mislead", "length")
    live.start_at(explorer)
    live.tab_to("Load the model")
    live.tab.keyboard.press("Enter")
    explorer.locator(".live-score").wait_for()
    status = explorer.locator(".live-result .live-status")
    before = status.inner_text()
    assert "The answer is read." in before and explorer.locator("strong", has_text="day").count()
    live.start_at(explorer)
    live.tab_to("Most tokens")
    for _ in range(16):
        live.tab.keyboard.press("ArrowLeft")
    said = live.changed(status, before)
    assert "not read in full" in said and "12 tokens of the query and 241 of the document" in said
    text = load_corpus("handbook").documents["hir-012"].content
    query = explorer.get_by_label("Query").input_value()
    reading = what_the_model_reads(query, text, reranker, 256)
    shown = as_number(explorer.locator(".live-score").inner_text())
    assert shown == pytest.approx(reading.score, abs=0.0051)
    cut = explorer.locator("del").evaluate_all("parts => parts.map(part => part.textContent).join('')")
    assert "".join(cut.split()) == "".join(reading.cut.split())


@pytest.mark.parametrize("lesson", ["cosine_vs_cross_encoder", "what_it_falls_for"])
def test_the_comparer_by_keyboard(live, lesson, reranker, embedder):
    explorer = live.open(lesson, "compare")
    live.start_at(explorer)
    live.tab_to("Load both models")
    live.tab.keyboard.press("Enter")
    explorer.locator("table").wait_for()
    live.start_at(explorer)
    live.tab_to("Texts")
    live.tab.keyboard.press("Control+A")
    live.tab.keyboard.insert_text("\n".join(TEXTS[:2]))
    live.tab_to("Rank")
    live.tab.keyboard.press("Enter")
    live.tab.wait_for_function("document.querySelectorAll('section.live tbody tr').length === 2")
    query = explorer.get_by_label("Question").input_value()
    wanted = compare_query(query, TEXTS[:2], reranker, embedder)
    assert column(explorer, 0) == list(wanted["text"])


def test_loading_can_be_stopped_and_what_was_loaded_is_kept(chromium, address):
    context = chromium.new_context()
    tab = context.new_page()
    held, asked = [], []
    context.on("request", lambda request: asked.append(request.url))
    context.route("**/reranker-*.onnx", lambda route: held.append(route))
    tab.goto(f"{address}own_ten.html")
    explorer = tab.locator("section.live")
    button = explorer.get_by_role("button", name="Load both models (")
    button.wait_for()
    assert not [url for url in asked if ".onnx" in url or ".wasm" in url]  # only when it is asked for
    assert 80 < int(button.inner_text().partition("(")[2].split()[0]) < 120
    button.click()
    explorer.get_by_role("progressbar").wait_for()
    while not held:
        tab.wait_for_timeout(50)
    explorer.get_by_role("button", name="Stop").press("Enter")
    explorer.get_by_text("Stopped.").wait_for()
    context.unroute("**/reranker-*.onnx")
    again = explorer.get_by_role("button", name="Load both models (")
    again.click()
    explorer.locator("table").wait_for()
    asked.clear()
    tab.reload()
    kept = explorer.get_by_role("button", name="Load both models (kept in this browser)")
    kept.click()
    explorer.locator("table").wait_for()
    assert not [url for url in asked if "/models/" in url]
    context.close()
