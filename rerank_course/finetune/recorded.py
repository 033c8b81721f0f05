"""Cross-validations that were run beforehand, for a lesson: some take an hour on two cores."""

from pathlib import Path

from rerank_course.finetune.cross_validation import CrossValidation

DATA = Path(__file__).parent / "data"


def recorded_names() -> list[str]:
    """What was recorded, by name."""
    return sorted(path.stem for path in DATA.glob("*.json"))


def recorded(name: str) -> CrossValidation:
    """A recorded cross-validation.

    Raises:
        KeyError: there is none of this name; the message lists those that are there.
    """
    if name not in recorded_names():
        raise KeyError(f"Nothing is recorded as {name!r}. There are: {', '.join(recorded_names())}.")
    return CrossValidation.from_json((DATA / f"{name}.json").read_text(encoding="utf-8"))
