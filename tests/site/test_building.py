"""What `make site` adds to the pages: libraries, graphs, explorers, a server."""

import json
import shutil
import threading
import urllib.request

import numpy as np
import pytest
from docutils import nodes

from tests.site.sphinx_extensions import extension
from tests.support import ROOT
from tools.site import explorers, libraries, live, serve, website


@pytest.fixture
def no_libraries(tmp_path):
    """The website's folder as it comes, without what npm installs."""
    site = tmp_path / "site"
    shutil.copytree(ROOT / "site", site, ignore=shutil.ignore_patterns("node_modules"))
    return site


def test_without_npm_the_reason_is_one_line(no_libraries, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    assert live.prepare(tmp_path / "source", tmp_path) == "npm was not found"
    assert not (tmp_path / "source").exists()


def test_an_npm_that_fails_is_quoted_in_one_line(no_libraries, monkeypatch, tmp_path):
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho 'no network today' >&2\necho more >&2\nexit 1\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/bin:/usr/bin")
    assert live.prepare(tmp_path / "source", tmp_path) == (
        "npm could not install its libraries (no network today)"
    )


def test_libraries_of_another_version_do_not_count(no_libraries):
    lock = json.loads((no_libraries / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for package, file, _ in (*libraries.FILES, libraries.WASM):
        folder = no_libraries / "node_modules" / package
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
        version = lock[f"node_modules/{package}"]["version"]
        (folder / "package.json").write_text(json.dumps({"version": version}), encoding="utf-8")
    assert libraries.are_installed(no_libraries)
    (folder / "package.json").write_text(json.dumps({"version": "0.0.1"}), encoding="utf-8")
    assert not libraries.are_installed(no_libraries)


def test_a_course_without_the_scripts_says_so(tmp_path):
    assert live.prepare(tmp_path / "source", tmp_path) == "there is no folder site/"


@pytest.mark.heavy  # the first call makes the threshold's scores
def test_each_explorer_begins_with_its_lesson_s_own_texts():
    found = explorers.placements(ROOT)
    assert sum(map(len, found.values())) == len(explorers.EXPLORERS)
    texts = explorers.literal(ROOT, "cosine_vs_cross_encoder", "documents")
    shown = next(place["html"] for page, places in found.items() if "cosine" in page for place in places)
    assert len(texts) == 10 and all(json.dumps(text)[1:-1] in shown for text in texts.values())
    assert "</script><" in shown and shown.count("</script>") == 1


def test_a_lesson_that_lost_what_an_explorer_shows_is_named(monkeypatch):
    with pytest.raises(explorers.ExplorerError, match="scoring_pairs does not assign a literal to nothing"):
        explorers.literal(ROOT, "scoring_pairs", "nothing")
    gone = explorers.Explorer("scoring_pairs", "no such cell", "pair", "A pair", lambda root: {})
    monkeypatch.setattr(explorers, "EXPLORERS", (gone,))
    with pytest.raises(explorers.ExplorerError, match="scoring_pairs has no cell with 'no such cell'"):
        explorers.placements(ROOT)


def cell(*outputs, tag="tag_guess"):
    shown = nodes.container(
        "", *(nodes.literal_block(text, text) for text in outputs), classes=["cell_output"]
    )
    return nodes.container("", shown, nb_element="cell_code", classes=["cell", tag])


def paragraph(*children):
    return nodes.paragraph("", "", *children)


def test_a_cell_that_asks_for_a_guess_gets_its_form():
    """What else it printed stays."""
    asks = "the pair's logit: your guess?\nGuess a number: run this cell and use its box"
    chooses = "Two cores.\nscore of <b>: your guess?\nChoose rises or falls: run this cell"
    document = nodes.container("", number := cell(asks), choice := cell(chooses))
    extension("form_pages").add_forms(None, document)
    assert number[0].astext() == "" and "live-replaced" in number[0]["classes"]
    assert 'data-question="the pair&#x27;s logit"' in number.astext() and 'type="text"' in number.astext()
    assert choice[0].astext() == "Two cores." and "live-replaced" not in choice[0]["classes"]
    assert [f'value="{word}"' in choice.astext() for word in ("rises", "falls", "stays")] == [
        True,
        True,
        False,
    ]
    assert "score of &lt;b&gt;" in choice.astext()


def test_a_prediction_gets_its_box_and_a_quiz_its_choices():
    mark = nodes.strong("", "Predict.")
    lesson = nodes.section("", paragraph(mark, nodes.Text(" Why?")), paragraph(), cell(tag="tag_hide-output"))
    texts = ("What?", "A. This.", "B. That.")
    quiz = nodes.section("", *(paragraph(nodes.Text(text)) for text in texts), ids=["quiz"])
    quiz += [nodes.raw("", "<details>", format="html"), paragraph(nodes.Text("A. It is the test."))]
    without_answers = nodes.section("", *(paragraph(nodes.Text(text)) for text in texts), ids=["quiz"])
    extension("form_pages").add_forms(None, nodes.container("", lesson, quiz, without_answers))
    assert 'data-prediction="prediction-1"' in lesson[2].astext() and len(lesson) == 4
    form = "".join(node.astext() for node in quiz[1:-2])
    assert form.startswith('<form class="live live-quiz">') and form.count('type="radio"') == 2
    assert "<span>A. This.</span>" in form and quiz[-1].astext() == "A. It is the test."
    assert without_answers.astext().split() == " ".join(texts).split()


def test_the_server_gives_scripts_and_headers_that_threads_need(tmp_path):
    (tmp_path / "a.js").write_text("export {};", encoding="utf-8")
    with serve.server(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{server.server_port}/a.js", timeout=30) as answer:
            headers = answer.headers
        server.shutdown()
    assert server.server_address[0] == "127.0.0.1"
    assert headers["Content-Type"] == "text/javascript"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_a_server_without_a_website_says_how_to_build_it(tmp_path, capsys):
    assert serve.main([str(tmp_path)]) == 1
    assert "make site" in capsys.readouterr().err


@pytest.mark.parametrize("command", [serve, website])
def test_a_command_that_is_asked_for_help_says_what_it_does(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0 and "python -m tools.site." in capsys.readouterr().out


@pytest.mark.heavy
def test_the_graphs_give_the_product_s_scores_where_the_packaged_one_rounds(reranker, embedder):
    import onnxruntime

    from rerank_course.engine.weights import reranker_wheel_folder
    from tools.site.graphs import graphs_folder

    query, text = "How many people live in Berlin?", "Berlin is well known for its museums. " * 12
    tensors = reranker.tokenizer(query, text, return_tensors="np")
    feed = {name: np.asarray(value, dtype=np.int64) for name, value in tensors.items()}
    wanted = float(reranker.predict((query, text)))

    def run(file, inputs):
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.disable_quant_qdq", "1")  # as the page does
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        return session.run(None, inputs)[0]

    assert run(graphs_folder() / "reranker.onnx", feed)[0, 0] == pytest.approx(wanted, abs=1e-4)
    assert abs(run(reranker_wheel_folder() / "model.onnx", feed)[0, 0] - wanted) > 1e-3
    tokens = embedder.tokenizer(text, return_tensors="np")
    feed = {name: np.asarray(tokens[name], dtype=np.int64) for name in feed}
    vector = run(graphs_folder() / "embedder.onnx", feed)[0]
    assert vector @ embedder.encode(text, normalize_embeddings=True) == pytest.approx(1, abs=1e-5)


@pytest.mark.heavy
def test_a_graph_of_another_form_is_refused():
    import onnx
    from onnx import helper

    from tools.site.graphs import without_rounded_activations

    node = helper.make_node("MatMulInteger", ["a", "w", "za", "zw"], ["out"], name="alone")
    graph = helper.make_graph([node], "g", [], [])
    with pytest.raises(ValueError, match="alone is no product of a dynamically quantised layer"):
        without_rounded_activations(onnx.helper.make_model(graph))
