"""What goes wrong beside the page: damaged files, no store, no model; and results that are no longer true."""

import pytest

from tests.site.built import needs_libraries
from tests.site.live_page import LivePage, column
from tests.support.browser import needs_chromium

pytestmark = [pytest.mark.heavy, needs_chromium, needs_libraries]
TOKENIZER = "**/models/tokenizer-*.json"
LOGIN = "<html><title>Log in to this network</title></html>"
KEPT = """async () => {
    const found = {};
    for (const name of await caches.keys())
        for (const request of await (await caches.open(name)).keys())
            found[request.url.split('/').pop().split('-')[0]] =
                [name, (await (await (await caches.open(name)).match(request)).arrayBuffer()).byteLength];
    return found;
}"""
DAMAGE = """async () => {
    const [name] = await caches.keys(), cache = await caches.open(name);
    const [request] = (await cache.keys()).filter(request => request.url.includes('/tokenizer-'));
    const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
    bytes[1000] ^= 1;
    await cache.put(request, new Response(bytes));
}"""
# An engine without a model: a score is a text's length, and comes when it is let go.
TOY = """async load => {
    const {engine} = await load('engine/client.js');
    const held = [];
    const answer = (value, {signal, onProgress} = {}) => new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        const go = () => { onProgress?.(1, 1); resolve(value); };
        globalThis.toy.held ? held.push(go) : go();
    });
    globalThis.toy = {held: false, asked: 0, letGo: () => held.splice(0).forEach(go => go())};
    engine.load = async models => {
        models.forEach(name => engine.loaded.add(name));
        engine.events.dispatchEvent(new Event('loaded'));
    };
    engine.score = (pairs, options) => {
        toy.asked += pairs.length;
        return answer(pairs.map(([query, text]) => (query + text).length), options);
    };
    engine.embed = (texts, options) => answer(texts.map(() => [1, 0]), options);
    engine.read = (query, text, limit, options) => answer({score: query.length, pieces: ['[CLS]', query],
        wanted: 5, queryPieces: 1, documentPieces: 1, queryEnd: 1, documentEnd: 9}, options);
}"""
# Of thirty scores that are wanted one upon the other, those that the worker computes.
COMPUTED = """async load => {
    const {engine} = await load('engine/client.js');
    await engine.load(['reranker']);
    let computed = 0, last;
    const take = engine.worker.onmessage;
    engine.worker.onmessage = event => (computed += event.data.type === 'result', take(event));
    let controller;
    for (let number = 0; number < 30; number++) {
        controller?.abort();
        controller = new AbortController();
        last = engine.read('a question ' + number, 'a text', 512, {signal: controller.signal});
        last.catch(() => {});
    }
    await last;
    return computed;
}"""
STOPPED_COUNT = """async load => {
    const {engine} = await load('engine/client.js');
    engine.worker = {postMessage() {}};
    const controller = new AbortController(), told = [];
    const score = engine.score([], {signal: controller.signal, onProgress: done => told.push(done)});
    for (let done = 1; done <= 3; done++) {
        engine.take({type: 'progress', id: engine.last, done, total: 3});
        controller.abort();  // the others are on their way already
    }
    engine.take({type: 'error', id: engine.last, name: 'AbortError', message: ''});
    return [await score.catch(error => error.name), told];
}"""
FULL = """const set = Storage.prototype.setItem;
Storage.prototype.setItem = function (key, value) {
    if (key.startsWith('rerank-course:')) throw new DOMException('No room.', 'QuotaExceededError');
    set.call(this, key, value);
};"""


@pytest.fixture
def toy(live):
    """Opens an explorer whose models answer at once, or when they are let go."""

    def open_with_toy(name, kind):
        explorer = live.open(name, kind)
        live.module(TOY)
        explorer.get_by_role("button", name="Load").click()
        explorer.locator(".live-result").wait_for()
        return explorer

    return open_with_toy


@pytest.fixture
def fresh(chromium, address):
    """A tab whose browser has kept nothing, and whose complaints are part of the test."""
    context = chromium.new_context()
    context.set_default_timeout(60_000)
    yield LivePage(context.new_page(), address)
    context.close()


# Files


def test_a_file_that_is_not_the_site_s_is_neither_used_nor_kept(fresh):
    """A network that asks to log in first answers everything with its page, and with status 200."""
    fresh.tab.route(TOKENIZER, lambda route: route.fulfill(body=LOGIN, content_type="text/html"))
    explorer = fresh.open("scoring_pairs", "pair")
    button = explorer.get_by_role("button", name="Load the model (")
    button.click()
    explorer.get_by_text("another tokenizer-").wait_for()
    assert "log in first" in explorer.locator(".live-loader [role=status]").inner_text()
    assert fresh.tab.evaluate(KEPT).keys() == {"ort"}

    fresh.tab.unroute(TOKENIZER)
    button.click()
    explorer.locator(".live-score").wait_for()
    score = explorer.locator(".live-score").inner_text()
    kept = fresh.tab.evaluate(KEPT)
    assert kept.keys() == {"ort", "tokenizer", "reranker"}
    assert {name for name, _ in kept.values()} == {"rerank-course-models:/"}  # the site's own path

    fresh.tab.evaluate(DAMAGE)  # one bit
    asked = []
    fresh.tab.on("request", lambda request: asked.append(request.url.rpartition("/")[2].partition("-")[0]))
    fresh.tab.reload()
    explorer.get_by_role("button", name="Load the model (kept in this browser)").click()
    explorer.locator(".live-score").wait_for()
    assert explorer.locator(".live-score").inner_text() == score
    assert asked.count("tokenizer") == 1 and "reranker" not in asked
    assert fresh.tab.evaluate(KEPT) == kept


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 503}, "answered 503 for models.json"),
        ({"body": LOGIN}, "something else than the list"),
        (None, "network does not reach the server"),
    ],
)
def test_a_list_of_files_that_did_not_come_is_asked_for_again(fresh, answer, said):
    place = "**/models.json"
    fresh.tab.route(place, lambda route: route.fulfill(**answer) if answer else route.abort())
    explorer = fresh.open("scoring_pairs", "pair")
    button = explorer.get_by_role("button", name="Load the model")
    button.click()
    explorer.get_by_text(said).wait_for()
    fresh.tab.unroute(place)
    fresh.tab.route(TOKENIZER, lambda route: route.abort())  # far enough
    button.click()
    explorer.get_by_text("could not be loaded. The network does not reach").wait_for()
    explorer.get_by_role("button", name="Load the model (").wait_for()


@pytest.mark.parametrize("script", ["page.js", "explorers/pair.js"])
def test_a_script_that_does_not_come_is_not_blamed_on_the_disk(fresh, script):
    fresh.tab.route(f"**/live/{script}", lambda route: route.fulfill(body="", content_type="text/plain"))
    fresh.tab.goto(f"{fresh.address}notebooks/02_scoring_pairs.html")
    fresh.tab.get_by_text("or not as JavaScript").wait_for()
    assert fresh.tab.get_by_text("opened from the disk").count() == 0


# The models' thread


def test_of_scores_that_are_wanted_quickly_few_are_computed(live):
    live.open("scoring_pairs", "pair")
    assert 1 <= live.module(COMPUTED) <= 3


def test_what_is_stopped_tells_no_more_counts(live):
    live.open("scoring_pairs", "pair")
    assert live.module(STOPPED_COUNT) == ["AbortError", [1]]


def test_a_thread_that_ended_can_be_started_again(fresh):
    explorer = fresh.open("scoring_pairs", "pair")
    fresh.load(explorer)
    score = explorer.locator(".live-score")
    score.wait_for()
    before = score.inner_text()
    fresh.module("async load => (await load('engine/client.js')).engine.fail('out of memory')")
    explorer.get_by_text("ended with an error").first.wait_for()
    explorer.get_by_role("button", name="Load the model (kept").click()
    explorer.locator(".live-loader").wait_for(state="hidden")
    score.wait_for()
    assert score.inner_text() == before


# Results that are no longer true


def test_an_old_score_is_marked_until_the_new_one_is_there(toy, live):
    explorer = toy("scoring_pairs", "pair")
    explorer.locator(".live-score").wait_for()
    status = explorer.locator(".live-result [role=status]")
    live.tab.evaluate("toy.held = true")
    explorer.get_by_label("Query").fill("four")
    assert status.get_attribute("aria-busy") == "true"
    assert "before" in status.evaluate("element => getComputedStyle(element, '::before').content")
    live.tab.wait_for_timeout(500)
    live.tab.evaluate("toy.letGo()")
    live.tab.wait_for_function("document.querySelector('.live-score').textContent === '4.00'")
    assert status.get_attribute("aria-busy") == "false"


def test_nothing_old_stands_under_an_error_or_beside_another_choice(toy, live):
    explorer = toy("own_ten", "own_ten")
    table, words = explorer.locator(".live-table").first, explorer.locator(".live-words")
    rank = explorer.get_by_role("button", name="Rank")
    leave_out = explorer.get_by_role("button", name="Leave out each word")
    table.wait_for()
    leave_out.click()
    words.locator(".live-marked").wait_for()
    explorer.get_by_label("Text", exact=True).select_option(index=1)
    assert words.inner_text() == ""
    leave_out.click()
    words.locator(".live-marked").wait_for()
    explorer.get_by_label("Texts").fill("\n".join(map(str, range(1000))))
    rank.click()
    assert "These are 1000 texts" in explorer.inner_text()
    assert not table.is_visible() and not words.is_visible()
    explorer.get_by_label("Texts").fill("alone")
    rank.click()
    table.wait_for()
    assert "1 text ranked." in explorer.inner_text() and column(explorer, 0) == ["alone"]


def test_at_320_pixels_heads_do_not_overlap_whatever_the_texts_are(toy, live):
    live.tab.set_viewport_size({"width": 320, "height": 800})
    explorer = toy("own_ten", "own_ten")
    explorer.get_by_label("Texts").fill("שלום עולם\n" + "a" * 200 + " b\n" + "long text " * 10_000)
    explorer.get_by_role("button", name="Rank").click()
    explorer.get_by_text("3 texts ranked.").wait_for()
    assert live.tab.evaluate("document.scrollingElement.scrollWidth") == 320
    heads = explorer.locator("thead th").evaluate_all(
        """heads => heads.map(head => {
            const range = document.createRange();
            range.selectNodeContents(head);
            const box = range.getBoundingClientRect();
            return [box.left, box.right];
        })"""
    )
    assert all(one[1] < next_one[0] for one, next_one in zip(heads[1:], heads[2:], strict=False))
    assert explorer.locator("table").first.bounding_box()["height"] < 1500  # the long text is folded
    assert live.tab.locator("th", has_text="שלום").evaluate("th => getComputedStyle(th).direction") == "rtl"


def test_leaving_out_words_has_a_bound_and_can_be_stopped(toy, live):
    explorer = toy("own_ten", "own_ten")
    leave_out = explorer.get_by_role("button", name="Leave out each word")
    stop = explorer.get_by_role("button", name="Stop")
    texts, rank = explorer.get_by_label("Texts"), explorer.get_by_role("button", name="Rank")
    status = explorer.locator(".live-part [role=status]")
    texts.fill("word " * 12_000)
    rank.click()
    leave_out.click()
    assert "12000 words" in status.inner_text() and "up to 400" in status.inner_text()
    texts.fill("word " * 400)
    rank.click()
    live.tab.evaluate("toy.held = true; toy.asked = 0")
    leave_out.click()
    stop.click()
    assert status.inner_text() == "Stopped." and live.tab.evaluate("toy.asked") == 1  # no texts in advance
    assert leave_out.evaluate("button => button === document.activeElement")
    leave_out.click()
    live.tab.evaluate("toy.held = false")
    rank.click()
    explorer.get_by_text("1 text ranked.").wait_for()
    assert not stop.is_visible() and status.inner_text() == ""


def test_a_text_that_every_word_harms_loses_by_none(toy, live):
    explorer = toy("own_ten", "own_ten")
    live.module(
        "async load => (await load('engine/client.js')).engine.score = "
        "async pairs => pairs.map(([, text]) => -text.length)"
    )
    explorer.get_by_role("button", name="Leave out each word").click()
    explorer.locator(".live-words .live-marked").wait_for()
    said = explorer.locator(".live-part [role=status]").inner_text()
    assert said == "The score falls without no single word: it stays, or rises."


def test_progress_is_told_at_quarters_and_a_long_text_is_clipped_between_characters(live):
    live.tab.goto(live.address)
    told, short = live.module(
        """async load => {
            const {clipped, counter} = await load('ui.js');
            const status = document.createElement('p'), told = [];
            const tell = counter(status);
            for (let done = 1; done <= 101; done++) {
                tell(done, 101);
                if (told.at(-1) !== status.textContent) told.push(status.textContent);
            }
            return [told, clipped('🙂'.repeat(100), 70)];
        }"""
    )
    assert told == [f"{done} of 101 …" for done in (1, 26, 51, 76, 101)]
    assert short == "🙂" * 69 + "…"


# What is kept


def test_without_a_store_a_guess_is_said_not_to_be_kept_and_stands_beside_the_result_all_the_same(live):
    tab = live.tab
    tab.add_init_script(FULL)
    tab.goto(f"{live.address}notebooks/06_when_scores_mislead.html")
    form = tab.locator("form.live-guess").nth(0)
    form.get_by_label("the handbook only").check()
    form.get_by_role("button").click()
    said = form.get_by_role("status").inner_text()
    assert "could not be kept" in said and "Kept in" not in said
    results = tab.locator("article .cell_output pre").evaluate_all("all => all.map(pre => pre.textContent)")
    assert "Your guess: the handbook only" in "".join(results)


def test_own_texts_outlast_a_reload_until_they_are_forgotten(live):
    explorer = live.open("own_ten", "own_ten")
    texts, forget = explorer.get_by_label("Texts"), explorer.get_by_role("button", name="Forget my texts")
    first = texts.input_value()
    assert not forget.is_visible()
    texts.fill("one\ntwo")
    live.tab.reload()
    forget.wait_for()
    assert texts.input_value() == "one\ntwo"
    forget.click()
    assert texts.input_value() == first and not forget.is_visible()
    assert not [key for key in live.tab.evaluate("Object.keys(sessionStorage)") if "rerank-course" in key]


def test_the_explanation_of_one_answer_does_not_stand_under_another(live):
    live.tab.goto(f"{live.address}notebooks/02_scoring_pairs.html")
    quiz = live.tab.locator(".live-quiz")
    quiz.get_by_role("radio").nth(0).check()
    quiz.get_by_role("button").click()
    assert quiz.get_by_role("status").inner_text()
    quiz.get_by_role("radio").nth(1).check()
    assert quiz.get_by_role("status").inner_text() == ""
