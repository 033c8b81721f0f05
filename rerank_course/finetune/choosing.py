"""Choose a recipe without looking at what is reported: by the queries that each part held out.

Every part of a cross-validation holds out some of its training queries, and looks at them during training.
Of several recipes, each part takes the one that did best there; its reported queries have no say in that.
"""

from collections.abc import Mapping

from rerank_course.finetune.cross_validation import CrossValidation

UNTOUCHED = "untouched"


def choose_on_held_out(validations: Mapping[str, CrossValidation]) -> tuple[CrossValidation, list[str]]:
    """What the search for a recipe is worth, the choice included.

    Args:
        validations: by a name for each recipe, all over the same folds and seeds. Put the gentlest first: of
            equals the first is taken, and before all of them the untouched model.

    Returns:
        (the chosen recipes' results, part by part; the name that each part chose, ``"untouched"`` where no
        recipe was better than the model as it was).

    Raises:
        ValueError: there is no validation, or they are not about the same parts.
    """
    if not validations:
        raise ValueError("validations is empty: there is no recipe to choose from.")
    first = next(iter(validations.values()))
    keys = [_key(part) for part in first.parts]
    if any([_key(part) for part in other.parts] != keys for other in validations.values()):
        raise ValueError("The validations are not about the same folds, seeds and held-out queries.")
    parts, names = [], []
    for place, part in enumerate(first.parts):
        looks = {UNTOUCHED: _look(part, 0)}
        looks |= {
            name: _look(one.parts[place], one.parts[place]["kept_step"]) for name, one in validations.items()
        }
        best = max(looks, key=lambda name: round(looks[name], 9))
        names.append(best)
        parts.append(_untouched(part) if best == UNTOUCHED else validations[best].parts[place])
    return CrossValidation({"chosen from": list(validations)}, first.corpus, parts), names


def _key(part: dict) -> tuple:
    return part["seed"], part["fold"], tuple(part["held_out"])


def _look(part: dict, step: int) -> float:
    return dict(map(tuple, part["looks"]))[step]


def _untouched(part: dict) -> dict:
    """The part as it would be without any training."""
    results = {
        collection: systems
        | {name.replace("untouched", "tuned"): systems[name] for name in systems if "untouched" in name}
        for collection, systems in part["results"].items()
    }
    return part | {"results": results}
