"""What the name of a file or folder says of exercises, and what is left of it without them."""

import re
from collections.abc import Collection

# Words that say nothing of a person: what students and teachers call drafts and folders.
GENERIC = frozenset(
    re.findall(
        r"\w+",
        """answers assignment assignments attempt backup copy corrected course day desktop documents done
        draft ex exercise exercises file files final finished folder handed home homework in lab
        lesson lessons main master module my new notebook notebooks of old part project rerank reranking
        solution solutions solved src task the try unit upload uploads v version week work""",
    )
)
OF_A_CLASS = frozenset(
    ("class", "inbox", "inbound", "submissions", "submitted", "collected", "download", "downloads", "export")
)
NUMBER = re.compile(r"(?<![a-z])ex(?:ercise)?[\s_-]*(\d{1,2})(?!\d)", re.IGNORECASE)


def exercise_in(name: str, exercises: Collection[str]) -> tuple[str, str]:
    """(the exercise that a name names, what is left of the name); ("", name) if it names none.

    Args:
        name: without an ending.
        exercises: their names, with numbers.
    """
    for exercise in sorted(exercises, key=len, reverse=True):
        words = re.sub(r"^ex\d\d_", "", exercise).split("_")
        pattern = r"(?:ex(?:ercise)?[\s_-]*\d{1,2}[\s_.-]*)?" + r"[\s_-]*".join(map(re.escape, words))
        if found := re.search(pattern, name, re.IGNORECASE):
            return exercise, _rest(name, found)
    if found := NUMBER.search(name):
        number = f"ex{int(found[1]):02}_"
        for exercise in exercises:
            if exercise.startswith(number):
                return exercise, _rest(name, found)
    return "", name


def _rest(name: str, found: re.Match) -> str:
    return f"{name[: found.start()]} {name[found.end() :]}".strip(" _-.,()")


def is_generic(name: str) -> bool:
    """Whether a name says nothing of a person; a number of four digits may be a student's."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    return bool(words or re.search(r"\d", name)) and _are_generic(words) and not re.search(r"\d{4}", name)


def is_of_a_class(name: str) -> bool:
    """Whether a name says that a class stands below it, or what the class did, and no person's."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    return (
        bool(words) and all(word in GENERIC | OF_A_CLASS for word in words) and not re.search(r"\d{5}", name)
    )


def _are_generic(words: list[str]) -> bool:
    return all(word in GENERIC for word in words)


def without_drafts(name: str) -> str:
    """A name without the words of drafts: in a file's name what is left may be whose it is."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    return " ".join(word for word in words if word not in GENERIC)
