"""What stays in the student's process, or was raised there, as a check sees it."""

import contextlib
import sys
import traceback
from collections.abc import Callable
from typing import Any

# Of these packages an error's class is looked up, if it is loaded; of all others the next class is taken.
ERRORS_OF = ("builtins", "httpx", "cohere", "rerank_course", "socket", "ssl", "json", "unittest", "warnings")
OPERATORS = ("__call__", "__getitem__", "__delitem__", "__len__", "__iter__", "__next__")


class Borrowed:
    """An object that stays in the student's process: what is done to it is done there.

    Comparisons are not forwarded: they would tell the student's process what is expected.
    """

    def __init__(self, touch: Callable, key: int, text: str) -> None:
        """
        Args:
            touch: see ``lending.Session.touch``.
            key: under which it is known there.
            text: what it looks like.
        """
        self.__dict__.update(_touch=touch, key_there=key, _text=text)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._touch(self.key_there, name, attribute=True)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name} of an object of the student's is not for a check to change")

    def __repr__(self) -> str:
        return self._text


def borrowed(touch: Callable, key: int, name: str, text: str, operators: list[str]) -> Borrowed:
    """An object that stays there, of a class with that name and those operators."""
    members = {how: _forward(how) for how in operators if how in OPERATORS}
    return type(_safe(name), (Borrowed,), members)(touch, int(key), str(text)[:300])


def _forward(how: str) -> Callable:
    def forward(self: Borrowed, *positional: Any, **named: Any) -> Any:
        return self._touch(self.key_there, how, False, positional, named)

    return forward


def _safe(name: str) -> str:
    return "".join(character for character in str(name)[:100] if character.isprintable()) or "object"


def known_class(name: str, base: type) -> Any:
    """A class of errors that is loaded here already, by "module:name"; ``None`` for any other name."""
    module, _, qualified = str(name).partition(":")
    if module.partition(".")[0] not in ERRORS_OF:
        return None
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, base) else None


def remote_error(told: dict, decode: Callable[[Any], Any]) -> BaseException:
    """An error of the student's: of the first of its classes that is known here, under its own name.

    Args:
        told: see ``wire.Encoder.error``.
        decode: of the values in it.
    """
    classes = [str(name) for name in told["classes"]]
    kind = next((found for name in classes if (found := known_class(name, BaseException))), Exception)
    text = str(told["text"])
    own = _safe(classes[0].rpartition(":")[2].rpartition(".")[2])
    made_class: Any = type(own, (kind,), {"__str__": lambda error: text, "__init__": _as_it_came})
    made = made_class.__new__(made_class)
    with contextlib.suppress(ValueError):
        made.args = tuple(decode(value) for value in told.get("args", []))
    for name, value in told.get("state", []):
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            made.__dict__[str(name)] = decode(value)
    made.__dict__["remote_steps"] = [_step(*step) for step in told.get("steps", [])]
    behind = [told[name] for name in ("__cause__", "__context__") if told.get(name)]
    for note in [text, *(str(other["text"]) for other in behind)]:
        made.add_note(note)  # what the error shows when it is printed
    return made


def _as_it_came(error: BaseException, *_: Any) -> None:
    """No constructor of a library runs on what a student's process sent."""


def _step(file: str, name: str, number: int, line: str) -> traceback.FrameSummary:
    return traceback.FrameSummary(str(file), int(number or 0), str(name), line=str(line), lookup_line=False)
