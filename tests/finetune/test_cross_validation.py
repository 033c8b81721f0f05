"""A toy cross-validated: reported queries took no part, finished parts stay; int8 takes the model."""

import json
from dataclasses import replace

import pytest

from rerank_course.engine.cache import CACHE_VARIABLE
from rerank_course.finetune import cross_validate, cross_validation
from rerank_course.finetune.parts import Elsewhere
from rerank_course.models import load_reranker
from rerank_course.text import Chunk
from rerank_course.texts.beir import Corpus
from tests.finetune.conftest import QUICK
from tests.finetune.toys import FOUND, TOYS, Counting

SHORT = replace(QUICK, epochs=1)
pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]


def away() -> Corpus:
    documents = {name: Chunk(name, f"Text {name} of another kind", "") for name in "abc"}
    return Corpus("away", documents, {"x": "Which text?"}, {"x": {"a": 3, "b": 0}}, {}, 2)


@pytest.fixture
def validated(tuned, toy_folder, tmp_path):
    worse = {query: list(reversed(found)) for query, found in FOUND.items()}
    worse = {
        query: [(d, -float(place)) for place, (d, _) in enumerate(found)] for query, found in worse.items()
    }
    elsewhere = Elsewhere(away(), {"x": [("b", 2.0), ("a", 1.0), ("c", 0.0)]}, Counting())

    def run(recipe=SHORT, **options):
        given = {"folds": 2, "seeds": (0,), "untouched": Counting(), "elsewhere": [elsewhere]} | options
        return cross_validate(
            TOYS,
            recipe,
            {"upside down": FOUND, "good": worse},
            tmp_path / "validated",
            model=str(toy_folder),
            show_progress=False,
            **given,
        )

    return run


def test_parts(validated, tmp_path, monkeypatch):
    one = validated()
    assert len(one.parts) == 2
    reported = [set(part["results"]["toys"]["tuned"]) for part in one.parts]
    assert reported[0] | reported[1] == set(TOYS.queries) and not reported[0] & reported[1]
    for part, queries in zip(one.parts, reported):
        assert queries.isdisjoint(part["trained_on"]) and queries.isdisjoint(part["held_out"])
        assert part["cheaper"] == "good"
        assert part["results"]["toys"]["cheaper"] == part["results"]["toys"]["good"]
    assert set(one.systems()) == {
        "upside down", "good", "cheaper", "untouched", "untouched mixed", "untouched judged",
        "tuned", "tuned mixed", "tuned judged",
    }  # fmt: skip
    assert one.table("good")["nDCG@10"].mean() == 1 and one.table("tuned")["judged@10"].notna().all()
    assert one.table("tuned", "away").index.tolist() == ["x"]
    assert [c.against for c in one.compare("tuned", "away")] == ["untouched", "untouched mixed"]
    assert one.compare("upside down")[2].verdict == "worse"

    # Finished parts stay; a seed more is a part more; another recipe needs another folder.
    files = sorted(path.name for path in (tmp_path / "validated").iterdir())
    assert files == ["seed-0-fold-0.json", "seed-0-fold-1.json", "setting.json"]
    monkeypatch.setattr(cross_validation, "run_part", lambda *_: pytest.fail("it was finished"))
    assert validated() == one
    (tmp_path / "validated" / "seed-0-fold-1.json").unlink()
    again = json.loads(json.dumps(one.parts[1]))
    monkeypatch.setattr(cross_validation, "run_part", lambda part, *_: again | {"asked": part.fold})
    assert validated().parts[1]["asked"] == 1
    with pytest.raises(ValueError, match="another recipe or setting"):
        validated(recipe=replace(QUICK, epochs=3))


def test_a_learning_curve_trains_on_fewer(validated):
    few = validated(training_queries=8, only=[1], seeds=(1,), elsewhere=[])
    (part,) = few.parts
    assert part["fold"] == 1 and len(part["trained_on"]) + len(part["held_out"]) == 8


def test_the_int8_engine_takes_the_folder(tuned, tmp_path, monkeypatch):
    from tests.support.toy_encoders import pairs

    done = tuned(SHORT)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    some = pairs(120)
    fast = load_reranker(str(done.folder), backend="int8", calibration=some[:100])
    assert fast.predict(some[100:], batch_size=8) == pytest.approx(
        load_reranker(str(done.folder)).predict(some[100:]), abs=0.5
    )
