"""A reranker of your own: train on your judgements, and find out whether that helped.

``INSTALL`` says how to install what sentence-transformers' trainer needs.
"""

from rerank_course.finetune.comparing import Comparison, compare
from rerank_course.finetune.cross_validation import CrossValidation, cross_validate
from rerank_course.finetune.lists import UnsuitableJudgementsError
from rerank_course.finetune.recipe import LOSSES, OBVIOUS, Recipe
from rerank_course.finetune.split import TooFewQueriesError, folds, hold_out, leaks, together
from rerank_course.finetune.training import (
    INSTALL,
    FineTuned,
    TrainerNotInstalledError,
    fine_tune,
    trainer_is_installed,
)

__all__ = [
    "INSTALL",
    "LOSSES",
    "OBVIOUS",
    "Comparison",
    "CrossValidation",
    "FineTuned",
    "Recipe",
    "TooFewQueriesError",
    "TrainerNotInstalledError",
    "UnsuitableJudgementsError",
    "compare",
    "cross_validate",
    "fine_tune",
    "folds",
    "hold_out",
    "leaks",
    "together",
    "trainer_is_installed",
]
