"""What is alive without a model: predictions, quizzes, the chooser; and pages that may not load a model."""

import itertools
import json
import re

import nbformat
import pytest

from rerank_course.lab.explorers.model_chooser import advice, choose_model
from rerank_course.lab.explorers.threshold import at_threshold, f1_by_threshold
from rerank_course.lab.guess import Guess
from tests.site.built import needs_libraries
from tests.site.live_page import OUTLINE, column
from tests.support import ROOT
from tests.support.browser import needs_chromium

pytestmark = [pytest.mark.heavy, needs_chromium, needs_libraries]
CHOSEN = """async (load, asked) => {
    const {advice, chosen} = await load('choosing.js');
    const {options, notPromised} = JSON.parse(
        document.querySelector('[data-live=chooser] script').textContent);
    return asked.map(answers => [advice(options, notPromised, answers),
        chosen(options, notPromised, answers).map(row => ({...row, seconds: row.seconds || null}))]);
}"""
PASSES = """async (load, [groups, thresholds]) => {
    const {atThreshold} = await load('thresholds.js');
    return thresholds.map(threshold => groups.map(group => Object.values(atThreshold(group, threshold))));
}"""
PAGES, COURSE = ("index.html", "own_ten.html"), "Reranking: a hands-on course"
FAR = """async (load, asked) => {
    const {howFar} = await load('numbers.js');
    return asked.map(([guess, measured, isChoice]) => howFar(guess, measured, isChoice));
}"""


def page_of(lesson):
    return f"notebooks/{OUTLINE.lesson(lesson).file[:-6]}.html"


def test_the_chooser_chooses_as_python_does(live):
    live.open("model_options", "chooser")
    asked = [
        dict(zip(("language", "openWeights", "mayLeave", "gpu", "candidates", "budget", "perPair"), values))
        for values in itertools.product(
            ("en", "zh", "de"),
            (False, True),
            (False, True),
            (False, True),
            (10, 50, 200),
            (0.1, 2, 5),
            (0.03,),
        )
    ]
    names = {"openWeights": "open_weights", "mayLeave": "may_leave", "budget": "budget_seconds"}
    names |= {"perPair": "seconds_per_pair"}
    silent = 0
    for answers, (words, rows) in zip(asked, live.module(CHOSEN, asked)):
        own = {names.get(name, name): value for name, value in answers.items()}
        table = choose_model(**own)
        assert words == advice(**own), own
        assert [(row["name"], row["fits"], row["why"]) for row in rows] == [
            (name, fits, why) for name, fits, why in zip(table.index, table["fits"], table["why"])
        ]
        known = [row["seconds"] for row in rows if row["seconds"] is not None]
        assert known == pytest.approx(list(table["seconds"].dropna()))
        silent += words.startswith("Nothing fits")
    assert 0 < silent < len(asked)


def test_the_chooser_by_keyboard(live):
    explorer = live.open("model_options", "chooser")
    status = explorer.get_by_role("status")
    before = status.inner_text()
    live.start_at(explorer)
    live.tab_to("Language")
    live.tab.keyboard.press("End")  # German
    said = live.changed(status, before)
    assert said.startswith("Nothing fits")
    live.tab_to("texts may go to a service")
    live.tab.keyboard.press("Space")
    assert " fit: " in live.changed(status, said)
    live.tab_to("Time for a query")
    live.tab.keyboard.press("Home")
    live.tab.wait_for_function(
        "document.querySelector('[data-live=chooser] [role=status]').innerText.startsWith('Nothing')"
    )


def test_the_threshold_by_keyboard_and_its_arithmetic(live):
    explorer = live.open("when_scores_mislead", "threshold")
    settings = json.loads(explorer.locator("script").text_content())
    groups = settings["groups"]
    asked = [settings["threshold"], -12, 0, 3.25, 12]
    for threshold, found in zip(asked, live.module(PASSES, [groups, asked])):
        for group, shares in zip(groups, found):
            wanted = at_threshold(group["scores"], group["answers"], threshold)
            assert shares == pytest.approx([wanted[name] for name in ("passes", "precision", "recall", "F1")])
    status = explorer.get_by_role("status")
    shown = explorer.get_by_role("slider").evaluate("slider => slider.value")
    assert float(shown) == pytest.approx(settings["threshold"], abs=1e-6)  # what was tuned is a step
    wanted = [at_threshold(group["scores"], group["answers"], settings["threshold"]) for group in groups]
    assert column(explorer, 4) == [f"{shares['F1']:.2f}" for shares in wanted]
    live.start_at(explorer)
    live.tab_to("Threshold")
    live.tab.keyboard.press("Home")
    said = live.changed(status, "")
    everything = [f1_by_threshold(group["scores"], group["answers"])[1][0] for group in groups]
    assert all(f"{group['name']} {f1:.2f}" in said for group, f1 in zip(groups, everything))
    assert column(explorer, 1) == ["1.00"] * 3
    told = explorer.get_by_role("img").get_attribute("aria-label")
    assert all(f"{f1:.2f} if everything passes" in told for f1 in everything)


def test_a_guess_is_kept_in_the_page_and_stands_beside_the_result(live):
    tab, page = live.tab, live.address + page_of("when_scores_mislead")
    tab.goto(page)
    forms = tab.locator("form.live-guess")
    works = forms.first.locator("button:enabled")
    works.wait_for()
    choice, number = forms.nth(0), forms.nth(1)
    choice.get_by_label("both").focus()
    for key in ("ArrowDown", "Tab", "Enter"):  # the second choice, the button
        tab.keyboard.press(key)
    assert "Kept in this browser: the handbook only" in choice.get_by_role("status").inner_text()
    box = number.get_by_role("textbox")
    box.focus()
    tab.keyboard.type("many")
    tab.keyboard.press("Enter")
    assert "A number is asked" in number.get_by_role("status").inner_text()
    tab.keyboard.press("Control+A")
    tab.keyboard.type("40 %")
    tab.keyboard.press("Enter")
    written = tab.locator("div.live-guess textarea").first
    written.focus()
    tab.keyboard.type("It will not.")
    tab.keyboard.press("Tab")
    for _ in range(2):
        said = tab.locator("article .cell_output pre").evaluate_all(
            "all => all.map(pre => pre.textContent).join('')"
        )
        assert "both. Your guess: the handbook only (not the same)." in said
        assert "Your guess: 40 % (" in said and "Your guess: none yet." in said
        tab.reload()
        works.wait_for()
    assert written.input_value() == "It will not." and box.input_value() == "40 %"
    assert choice.get_by_label("the handbook only").is_checked()
    assert live.tab.evaluate("document.cookie") == ""


def test_how_far_a_guess_is_off_is_said_as_in_a_notebook(live, capsys):
    asked = [
        ("3", "4", False),
        ("3,5", "3.5", False),
        ("40 %", "0.38", False),
        ("40 %", "38 %", False),
        ("−2", "-2.1", False),
        ("0.3", "0.1", False),
        ("1e2", "2.1 s", False),
        ("yes", "no", True),
        ("yes", "yes", True),
    ]
    live.tab.goto(live.address)
    for (mine, measured, is_choice), found in zip(asked, live.module(FAR, asked)):
        guess = Guess("what", ("yes", "no") if is_choice else ())
        guess.take(mine)
        guess.beside(measured)
        assert capsys.readouterr().out == f"what: {measured}. Your guess: {guess.yours}{found}.\n"


def test_every_guess_of_every_lesson_has_its_form(live):
    for lesson in OUTLINE.lessons:
        cells = nbformat.read(ROOT / "notebooks" / lesson.file, as_version=4).cells
        guesses = sum("guess" in cell.metadata.get("tags", ()) for cell in cells)
        asked = sum("**Predict.**" in cell.source for cell in cells if cell.cell_type == "markdown")
        live.tab.goto(f"{live.address}notebooks/{lesson.file[:-6]}.html")
        live.tab.locator(".live-quiz").wait_for()
        forms = live.tab.locator("form.live-guess").count()
        assert forms == guesses, lesson.name
        assert forms + live.tab.locator("div.live-guess").count() >= asked - 1, lesson.name
        # Results after a prediction stay closed until the reader opens them.
        assert live.tab.locator("article div.cell details.hide[open]").count() == 0


def test_a_quiz_by_keyboard_and_again_later(live):
    tab = live.tab
    tab.goto(live.address + page_of("scoring_pairs"))
    quiz = tab.locator(".live-quiz")
    works = quiz.locator("button:enabled")
    works.wait_for()
    quiz.get_by_role("radio").first.focus()
    tab.keyboard.press("ArrowDown")
    live.tab_to("See what is said of it")
    tab.keyboard.press("Enter")
    said = quiz.get_by_role("status").inner_text()
    assert said.startswith("B needs only the order within one query")
    assert tab.locator("section#quiz > details").count() == 1  # with all the others
    tab.reload()
    works.wait_for()
    assert quiz.get_by_role("radio").nth(1).is_checked()
    assert quiz.get_by_role("status").inner_text() == ""


def test_what_pages_keep_is_forgotten_when_the_reader_asks(chromium, address):
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(address + page_of("scoring_pairs"))
    quiz, guess = tab.locator(".live-quiz"), tab.locator("form.live-guess").first
    quiz.get_by_role("radio").first.check()
    quiz.get_by_role("button").click()
    guess.get_by_role("textbox").fill("3")
    guess.get_by_role("button").click()
    tab.evaluate("async () => (await caches.open('rerank-course-models:/')).put('/x', new Response('x'))")
    tab.evaluate("localStorage.setItem('others', 'stay')")
    tab.goto(f"{address}index.html")
    place = tab.locator("[data-live=forget]")
    place.get_by_role("button", name="Forget all of it").click()
    said = place.get_by_text("Forgotten")
    said.wait_for()
    assert said.inner_text() == "Forgotten: 2 guesses, answers and texts, and the models’ files."
    assert tab.evaluate("Object.keys(localStorage).filter(key => key.startsWith('rerank-course'))") == []
    assert tab.evaluate("localStorage.others") == "stay" and tab.evaluate("caches.keys()") == []
    tab.goto(address + page_of("scoring_pairs"))
    guess.locator("button:enabled").wait_for()
    assert (
        guess.get_by_role("textbox").input_value() == "" and not quiz.get_by_role("radio").first.is_checked()
    )
    context.close()


def test_without_webassembly_the_page_says_so(context, address):
    tab = context.new_page()
    tab.add_init_script("delete globalThis.WebAssembly")
    tab.goto(address + page_of("scoring_pairs"))
    status = tab.locator("section.live .live-loader [role=status]")
    status.wait_for()
    assert "no WebAssembly" in status.inner_text() and "lesson’s results above" in status.inner_text()
    assert tab.locator("section.live").get_by_role("button").count() == 0
    tab.goto(f"{address}own_ten.html")
    status.wait_for()
    assert "no WebAssembly" in status.inner_text() and "lesson" not in status.inner_text()
    tab.close()


@pytest.mark.parametrize("how", ["from the disk", "without scripts"])
def test_a_page_without_its_scripts_says_what_to_do_and_tells_everything(chromium, site, address, how):
    reported = []
    context = chromium.new_context(java_script_enabled=how == "from the disk")
    tab = context.new_page()
    tab.on("console", lambda message: message.type in ("error", "warning") and reported.append(message.text))
    page = page_of("cosine_vs_cross_encoder")
    tab.goto((site / page).as_uri() if how == "from the disk" else address + page)
    assert "make site SERVE=1" in tab.locator("section.live .live-without").inner_text()
    quiz = tab.locator("section#quiz > details")
    quiz.locator("summary").click()
    assert "is the test" in quiz.inner_text()
    options = tab.locator(".live-quiz label")
    assert options.count() == 3 and all(option.is_visible() for option in options.all())
    assert tab.locator(":is(.live-quiz, .live-guess) :is(input, textarea, button):visible").count() == 0
    explorer = tab.locator("section.live")
    assert explorer.bounding_box()["height"] < 200  # no room is kept for what does not come
    result = tab.locator("article div.cell details.hide").first
    result.locator("summary").click()
    assert result.locator(".cell_output").is_visible()
    assert reported == []
    context.close()


def test_the_downloaded_notebook_is_the_course_s_own(site):
    for name in ("scoring_pairs", "when_scores_mislead"):
        file = f"notebooks/{OUTLINE.lesson(name).file}"
        assert (site / "_sources" / file).read_bytes() == (ROOT / file).read_bytes()


def test_the_first_page_says_the_course_s_title_once(site):
    titles = [
        re.search("<title>(.*)</title>", (site / name).read_text(encoding="utf-8"))[1] for name in PAGES
    ]
    assert titles == [COURSE, f"Bring your own ten &#8212; {COURSE}"]


def test_the_list_of_files_is_true(site):
    live = site / "_static" / "live"
    files = json.loads((live / "models.json").read_text(encoding="utf-8"))
    assert files.keys() == {"wasm", "tokenizer", "reranker", "embedder"}
    for file in files.values():
        assert (live / file["path"]).stat().st_size == file["bytes"]
        assert file["sha256"].startswith((live / file["path"]).stem.rpartition("-")[2])
    every = sum(path.stat().st_size for path in live.rglob("*") if path.is_file())
    assert (
        every - sum(file["bytes"] for file in files.values()) < 300_000
    )  # what a page loads unasked, and more
