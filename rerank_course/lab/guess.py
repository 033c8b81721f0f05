"""A guess before the result: typed into a box or written in the call, and shown beside what came out."""

import html
import math
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

NUMBER = re.compile(r"([+-]?)(\d+(?:[.,]\d+)?|[.,]\d+)(e[+-]?\d+)?\s*(%?)", re.IGNORECASE)
TWO_MEANINGS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}\s*%?")  # 1,234: a thousand, or one and a bit
NONE_YET = "none yet"

_asked: dict[tuple[str, tuple[str, ...]], "Guess"] = {}


class Guess:
    """One question and what the learner thinks; ``guess`` makes it.

    Attributes:
        question: what is guessed, as a noun phrase.
        choices: what may be chosen; empty where a number is asked.
        yours: the guess as text, for example ``"3"``, ``"40 %"`` or a choice; ``None`` without a guess.
    """

    def __init__(self, question: str, choices: Sequence[str] = ()) -> None:
        self.question, self.choices = question, tuple(choices)
        self.yours: str | None = None
        self._form: Any = None
        self._shown = False

    def take(self, yours: object) -> None:
        """Keep a guess; ``None`` and an empty text take it back.

        Raises:
            ValueError: it is not a number, or none of the choices; the earlier guess stays.
        """
        text = "" if yours is None else str(yours).strip()
        if not text:
            self.yours = None
        elif self.choices:
            self.yours = _choice(text, self.choices)
        elif isinstance(yours, bool):
            raise ValueError(f"A number is asked, for example 3 or 3.5, not {yours}.")
        else:
            parse_number(text)
            self.yours = text

    def beside(self, measured: object, digits: int | None = None) -> None:
        """Print what came out beside the guess.

        Args:
            measured: a number, or a text for one (``"2.1 s"``, ``"38 %"``); one of the choices where there
                are any.
            digits: decimals to show of a number; ``None`` shows it as it is.

        Raises:
            ValueError: ``measured`` is none of the choices, or a number that is not finite.
        """
        shown = self._as_shown(measured, digits)
        self._shown = True
        guessed = NONE_YET if self.yours is None else self.yours
        print(f"{self.question}: {shown}. Your guess: {guessed}{self._how_far(shown)}.")

    def _as_shown(self, measured: object, digits: int | None) -> str:
        if self.choices:
            return _choice(str(measured), self.choices)
        if isinstance(measured, Real) and not math.isfinite(measured):
            raise ValueError(f"What is measured must be a finite number, not {measured}.")
        return str(measured) if digits is None else f"{float(str(measured)):.{digits}f}"

    def _how_far(self, shown: str) -> str:
        if self.yours is None:
            return ""
        if self.choices:
            return " (the same)" if self.yours == shown else " (not the same)"
        try:
            number, percent = parse_number(re.sub(r"\s*[a-zA-Z]+$", "", shown))
        except ValueError:  # a text that is no single number: the reader compares
            return ""
        guessed, guessed_percent = parse_number(self.yours)
        if guessed_percent and not percent and abs(number) <= 1:  # 40 % of a share between 0 and 1
            guessed /= 100
        off = guessed - number
        if not off:
            return " (the same)"
        return f" ({abs(off).normalize():f} too {'high' if off > 0 else 'low'})"

    def form(self) -> Any:
        """The box or the buttons, and a line that says what is kept: an ``ipywidgets.VBox``."""
        if self._form is None:
            self._form = _make_form(self)
        return self._form

    def forget_form(self) -> None:
        """Make the next ``form`` a new one, which starts with the guess as it is now."""
        self._form = None

    def kept(self) -> str:
        """What the form's line says while nothing is wrong."""
        if self.yours is None:
            return "No guess yet."
        late = " The result was there first: run its cell again to see both." if self._shown else ""
        return f"Kept: {self.yours}.{late}"


def guess(question: str, yours: object = None, *, choices: Sequence[object] | None = None) -> Guess:
    """Ask for a guess: in a notebook with a box or with buttons, and everywhere with ``yours``.

    Prints a line that says how to answer. The same question, asked again in the same kernel, has the earlier
    guess; ``yours``, where it is given, replaces it.

    Args:
        question: what is guessed, as a noun phrase: ``beside`` prints ``QUESTION: 4. Your guess: 3.``
        yours: a number, or a text for one (``"3,5"``, ``"40 %"``); one of the choices where there are any.
        choices: at least two different answers to choose from; ``None`` asks for a number.

    Raises:
        ValueError: the question is empty, the choices are not at least two different ones, or ``yours`` is
            not a number or none of the choices.
    """
    key = _key(question, choices)
    asked = _asked.setdefault(key, Guess(*key))
    if yours is not None:
        asked.take(yours)
        asked.forget_form()
    print(_how_to_answer(asked))
    if _in_a_notebook():
        _display(asked)
    return asked


def _key(question: str, choices: Sequence[object] | None) -> tuple[str, tuple[str, ...]]:
    if not question.strip():
        raise ValueError("The question is empty. Say what is to be guessed.")
    if choices is None:
        return question, ()
    names = () if isinstance(choices, str) else tuple(str(choice).strip() for choice in choices)
    if len({name.casefold() for name in names}) < max(2, len(names)) or not all(names):
        raise ValueError(f"choices must be a list of at least two different answers, not {choices!r}.")
    return question, names


def _how_to_answer(asked: Guess) -> str:
    """A line true where there is a form and where there is none, for example on the website."""
    control = "buttons" if asked.choices else "box"
    where = f"run this cell and use its {control}, or write yours=… in the call."
    if asked.yours is not None:
        return f"{asked.question}: your guess is {asked.yours}.\nTo change it, {where}"
    what = f"Choose {' or '.join(asked.choices)}" if asked.choices else "Guess a number"
    return f"{asked.question}: your guess?\n{what}: {where}"


def parse_number(text: str) -> tuple[Decimal, bool]:
    """The number that a text stands for, and whether it has a per cent sign: ``"40 %"`` is (40, True).

    Raises:
        ValueError: it is no number, or one with two meanings: ``"1,234"``.
    """
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    if TWO_MEANINGS.fullmatch(plain):
        bare = plain.replace(",", "")
        raise ValueError(f"{text!r} can be read in two ways: write {bare} or {plain.replace(',', '.')}.")
    found = NUMBER.fullmatch(plain)
    if not found:
        raise ValueError(f"A number is asked, for example 3 or 3.5, not {text!r}.")
    sign, digits, power, percent = found.groups()
    return Decimal(sign + digits.replace(",", ".") + (power or "")), bool(percent)


def _choice(text: str, choices: Sequence[str]) -> str:
    for choice in choices:
        if choice.casefold() == text.strip().casefold():
            return choice
    raise ValueError(f"{text!r} is none of the choices: {', '.join(choices)}.")


def _in_a_notebook() -> bool:
    """Whether a Jupyter kernel runs this; a terminal, a script and a test have none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


def _display(asked: Guess) -> None:
    try:
        from IPython.display import display

        form = asked.form()
    except ImportError:  # no ipywidgets: the call takes the guess
        return
    display(form)


def _make_form(asked: Guess) -> Any:
    import ipywidgets

    style = {"description_width": "initial"}
    if asked.choices:
        control = ipywidgets.RadioButtons(
            options=asked.choices, value=asked.yours, description="your guess", style=style
        )
    else:
        control = ipywidgets.Text(
            value=asked.yours or "",
            placeholder="a number, then Enter",
            description="your guess",
            continuous_update=False,
            style=style,
            layout={"width": "20em"},
        )
    line = ipywidgets.HTML()

    def keep(_: Any = None) -> None:
        try:
            asked.take(control.value)
            said = asked.kept()
        except ValueError as error:
            said = f"Not kept. {error}"
        line.value = f'<span role="status">{html.escape(said)}</span>'

    control.observe(keep, names="value")
    keep()
    return ipywidgets.VBox([control, line])
