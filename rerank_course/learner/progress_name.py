"""The name that a learner chooses: for a shared folder, or for a certificate."""

import unicodedata

LONGEST = 80  # characters
NOT_SHOWN = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of characters, ends of lines and paragraphs
TURNS_TEXT = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # and all that follows in its line


def chosen_name(name: str) -> str:
    """The name without the blanks around it; any script, and any word will do.

    Raises:
        ValueError: nothing is left, it is too long, or it holds characters that cannot be shown.
    """
    name = name.strip()
    if not name:
        raise ValueError("The name is empty. Give one, any that you like.")
    if len(name) > LONGEST:
        raise ValueError(f"The name has {len(name)} characters. Give one of at most {LONGEST}.")
    if odd := [letter for letter in name if _is_unusable(letter)]:
        raise ValueError(f"The name holds {ascii(odd[0])}, which cannot be shown. Give one without it.")
    return name


def shown_name(name: str) -> str:
    """Somebody else's name, whatever it holds, as it can be shown; it may be empty."""
    return "".join(" " if _is_unusable(letter) else letter for letter in name[:LONGEST]).strip()


def _is_unusable(letter: str) -> bool:
    return letter in TURNS_TEXT or unicodedata.category(letter) in NOT_SHOWN
