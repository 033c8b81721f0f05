"""What the exercise train_and_report asks of mined negatives, and the data that tells mistakes apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rerank_course.checks.answers import show
from rerank_course.checks.verdict import Wrong, demand
from rerank_course.evaluate import RELEVANT

SKIPPED, NEAR = 5, 1.0  # the guards of rerank_course.finetune.negatives

# (found, grades, the untouched model's scores, counts)
Mining = tuple[Sequence[str], Mapping[str, int], Mapping[str, float], Sequence[int]]

# Each mistake takes other documents of these.
_FOUND = ["d4", "d9", "d2", "d7", "d13", "d12", "d3", "d8", "d5", "d6", "d10", "d1"]
_GRADES = {"d7": 3, "d11": 0, "d1": 1, "d3": 0, "d10": 1, "d5": 2, "d9": 0}
_LOGITS = {"d4": 1.0, "d9": 4.6, "d2": 4.8, "d7": 2.0, "d13": 0.5, "d12": 1.5, "d3": -1.0, "d8": 4.5}
_LOGITS |= {"d5": 5.0, "d6": 3.0, "d10": -2.0, "d1": 0.0, "d11": -4.0}
MININGS: tuple[Mining, ...] = (
    (_FOUND, _GRADES, _LOGITS, (10, 4, 2)),
    # A document of grade 1 scores more than the answer; those of grade 0 stand in no order of their scores.
    (
        ["e3", "e8", "e1", "e6", "e9", "e2", "e7", "e4", "e5"],
        {"e1": 2, "e3": 0, "e4": 0, "e8": 1, "e9": 0},
        {"e1": 3.0, "e2": 3.6, "e3": 1.2, "e4": -0.7, "e5": -2.0, "e6": 0.5, "e7": 1.0, "e8": 6.0, "e9": 3.4},
        (8, 3, 4),
    ),
)


@dataclass(frozen=True)
class Judged:
    """A query's documents: as a search found them, with grades, and with the untouched model's scores."""

    found: Sequence[str]
    grades: Mapping[str, int]
    scores: Mapping[str, float]

    @cached_property
    def answers(self) -> list[str]:
        return [document for document, grade in self.grades.items() if grade >= RELEVANT]

    @cached_property
    def best(self) -> str:
        """The answer with the highest score."""
        return max(self.answers, key=self.scores.__getitem__)

    @property
    def limit(self) -> float:
        """The highest score that an unjudged document may have."""
        return self.scores[self.best] - NEAR

    @cached_property
    def wrong(self) -> list[str]:
        """Grade 0 and found, in the search's order."""
        return [document for document in self.found if self.grades.get(document) == 0]

    @cached_property
    def not_found(self) -> list[str]:
        """Grade 0 and not found."""
        return [one for one, grade in self.grades.items() if grade == 0 and one not in self.found]

    @cached_property
    def unjudged(self) -> list[str]:
        """Those that pass both guards, in the search's order."""
        behind = [document for document in self.found[SKIPPED:] if document not in self.grades]
        return [document for document in behind if self.scores[document] <= self.limit]


def demand_members(said: Sequence[Any], case: Judged, count: int, given: str) -> None:
    """Nothing but grade 0, and unjudged documents that pass both guards."""
    for one in said:
        is_known = isinstance(one, str) and one in case.scores
        demand(is_known, f"{given} returned {show(one)}, which is no document's id.")
    twice = next((one for one in said if said.count(one) > 1), None)
    demand(twice is None, f"{given} returned {twice!r} twice.")
    for one in said:
        _demand_not_graded(one, case.grades.get(one, 0), given)
    as_zero = [document for document in case.found if case.grades.get(document, 0) == 0]
    mixed = ""
    if set(as_zero[:count]) <= set(said):
        mixed = (
            " You take what nobody judged for grade 0: grades.get(document, 0) cannot tell them apart. Ask "
            "whether the document is in grades."
        )
    for one in said:
        if one not in case.grades:
            _demand_guards(one, case, given, mixed)
    demand(len(said) <= count, f"{given} returned {len(said)} documents. Cut the list at count.")


def _demand_not_graded(document: str, grade: int, given: str) -> None:
    demand(
        grade < RELEVANT,
        f"{given} took {document!r}, which has grade {grade}. It is an answer, and the model would learn "
        "that it is none.",
    )
    demand(
        grade != 1,
        f"{given} took {document!r}, which has grade 1. It answers a little, so it is no wrong one: the "
        "model would learn to tell apart what hardly differs. Leave it out.",
    )


def _demand_guards(document: str, case: Judged, given: str, mixed: str) -> None:
    place, score = case.found.index(document) + 1, case.scores[document]
    demand(
        place > SKIPPED,
        f"{given} took {document!r}, which nobody judged and which has place {place} of the search. Among "
        f"its first five it may well be an answer.{mixed}",
    )
    if score <= case.limit:
        return
    why = ""
    if score <= case.scores[case.best]:
        why = " To be below the best answer is not enough: it has to be at least 1.0 below."
    elif any(score <= case.scores[one] - NEAR for one, grade in case.grades.items() if grade == 1):
        why = " Did you take a document of grade 1 for an answer? Grades 2 and 3 are answers."
    raise Wrong(
        f"{given} took {document!r}, which nobody judged and which scores {score}. The best answer, "
        f"{case.best!r}, scores {case.scores[case.best]}, so the limit is {case.limit:.2f}: what scores more "
        f"may well be an answer too.{why}{mixed}"
    )


def demand_all(said: Sequence[str], case: Judged, count: int, given: str) -> None:
    """As many as there may be, and the judged ones before all others."""
    for one in case.wrong[:count]:
        if one not in said:
            place = case.found.index(one) + 1
            is_guarded = place <= SKIPPED or case.scores[one] > case.limit
            why = " The two guards are for unjudged documents: of this one somebody knows that it is wrong."
            raise Wrong(
                f"{given} left out {one!r}, which has grade 0 and place {place} of the search."
                f"{why if is_guarded else ''}"
            )
    room = max(0, count - len(case.wrong))
    missing = [one for one in case.not_found if one not in said]
    if len(case.not_found) - len(missing) < min(room, len(case.not_found)):
        raise Wrong(
            f"{given} left out {missing[0]!r}. It has grade 0, and the search did not find it: it comes "
            "behind those that were found, and before unjudged ones."
        )
    for one in case.unjudged[: max(0, room - len(case.not_found))]:
        if one not in said:
            raise Wrong(f"{given} left out {one!r}. {_why_left_out(one, case)}")


def _why_left_out(document: str, case: Judged) -> str:
    """What may have kept an unjudged document away that passes both guards."""
    place, score = case.found.index(document) + 1, case.scores[document]
    passes = (
        f"It is unjudged, has place {place} and the score {score}, which is at most {case.limit:.2f}: it "
        "passes both guards."
    )
    if document in [one for one in case.found if one not in case.grades][:SKIPPED]:
        passes += " The search's first five are counted among all that it found, judged ones too."
    if score > min(case.scores[answer] for answer in case.answers) - NEAR:
        passes += " The limit is the highest score of all answers, found or not, less 1.0."
    return passes


def demand_order(said: Sequence[str], case: Judged, given: str) -> None:
    """Judged and found, judged and not found, unjudged; the first and the last in the search's order."""
    kinds = (case.wrong, case.not_found, case.unjudged)
    ranks = [next(rank for rank, kind in enumerate(kinds) if one in kind) for one in said]
    demand(
        ranks == sorted(ranks),
        f"{given} returned {list(said)}. First come those of grade 0 that were found, then those of grade 0 "
        "that were not found, then unjudged ones.",
    )
    for kind in (case.wrong, case.unjudged):
        inside = [one for one in said if one in kind]
        right = [one for one in kind if one in said]
        demand(
            inside == right,
            f"{given} returned {inside} in this order. The search's order is {right}: keep it.",
        )
