"""A right answer and the key that its check is remembered under."""

from datetime import UTC, datetime

from rerank_course.learner.course import COURSE

KEY = "score_pairs.check_build_pairs"
DAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
FIRST_STEP = f"Next: {COURSE[0].name}"


def build_pairs(query, documents):
    return [(query, document) for document in documents]
