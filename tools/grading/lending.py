"""Functions of a student's notebook, called from outside their process.

A check runs here, in the trusted process, with a ``Lent`` in the place of each function of the notebook. A
call goes over a socket in the box to lender.py, and comes back as plain values (wire.py). Objects that a
check hands over and looks at afterwards (a toy reranker, a service, a pipeline) stay here: the student's code
gets stand-ins, whose calls are served while the call is under way. The course's models are no secret; the
kernel uses its own.
"""

import contextlib
import inspect
import os
import sys
import time
import warnings
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

from tools.grading.channel import NO_ANSWER, Channel
from tools.grading.student_values import Borrowed, borrowed, known_class, remote_error
from tools.grading.wire import CLASSES, root_of

VARIABLES = ("CO_API_KEY", "COHERE_API_KEY")  # that a check sets for the function that it calls
MODELS = ("cross_encoder", "short_reranker", "embedder", "embedder_without_normalising")
CLIENTS = ("ClientV2", "Client", "AsyncClientV2", "AsyncClient")
VERDICTS = ("Wrong", "NotAttempted")
NO_ATTRIBUTE = "no attribute {name}"
# What a student's code may ask of an object, and what it is told when it asks for anything else.
SERVED = {
    "ToyReranker": (
        ["predict"],
        "a reranker has predict(pairs, batch_size=…) here and nothing else, no {name}",
    ),
    "Service": (["rerank"], "the client has rerank(…) here and nothing else, no {name}"),
    "LocalReranker": (["predict"], "'LocalReranker' object has no attribute {name}"),
}


class Session(Channel):
    """What a check can ask of a student's kernel."""

    def start(self, seconds: float) -> None:
        super().start(seconds)
        self._forget()

    def _forget(self) -> None:
        self.objects: list[Any] = []  # that the student's code has been given, by number
        self.numbers: dict[int, int] = {}
        self.theirs: dict[int, Borrowed] = {}

    def describe(self, name: str) -> dict:
        """What stands behind a name: its kind, and what a check may want to know of a function."""
        self.waiting_for = name
        answer = self.ask({"do": "describe", "name": name})
        if "error" in answer:
            raise remote_error(answer["error"], self.decode)
        return answer

    def call(self, name: str, positional: tuple, named: dict) -> Any:
        """Call a function of the notebook; what it prints and warns of comes out here as well."""
        self.waiting_for = name
        self._forget()
        answer = self.ask(
            {
                "do": "call",
                "name": name,
                "args": self.encode(positional),
                "named": self.encode(named),
                "environment": {variable: os.environ.get(variable) for variable in VARIABLES},
                "no_pauses": isinstance(time.sleep, mock.NonCallableMock),
            }
        )
        try:
            self._repeat(answer)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            self.give_up(NO_ANSWER)
        return self._value(answer)

    def _repeat(self, answer: dict) -> None:
        """Print, warn and change here what the function has printed, warned of and changed there."""
        print(str(answer["printed"]), end="")
        for classes, text in answer["warnings"]:
            kind = next((found for name in classes if (found := known_class(name, Warning))), UserWarning)
            if not isinstance(kind.__init__, type(Warning.__init__)):  # a constructor of its own
                kind = UserWarning
            warnings.warn(str(text), kind, stacklevel=4)
        for number, now in answer["changed"]:
            mine, value = self.objects[number], self.decode(now)
            if type(mine) is not type(value):
                raise ValueError("a container that became another kind")
            mine.clear()
            mine.extend(value) if isinstance(mine, list) else mine.update(value)

    def touch(self, key: int, how: str, attribute: bool, positional: tuple = (), named: Any = None) -> Any:
        """Look at an object that stayed in the student's process.

        Args:
            how: the name of an attribute, or of an operator.
        """
        message = {"do": "touch", "object": key, "how": how, "attribute": attribute}
        arguments = {"args": self.encode(positional), "named": self.encode(named or {})}
        return self._value(self.ask(message | arguments))

    def _value(self, answer: dict) -> Any:
        if "error" in answer:
            same = answer["error"].get("same")
            raise remote_error(answer["error"], self.decode) if same is None else self.objects[same]
        try:
            return self.decode(answer["value"])
        except (ValueError, KeyError):
            self.give_up(NO_ANSWER)

    def asked(self, message: dict) -> Any:
        thing, method = self.objects[message["object"]], message["method"]
        if method:
            if method not in SERVED[type(thing).__name__][0]:
                raise AttributeError(NO_ATTRIBUTE.format(name=repr(method)))
            thing = getattr(thing, method)
        elif not inspect.isfunction(thing):
            raise TypeError("this is no function")
        positional, named = self.decode(message["args"]), self.decode(message["named"])
        from rerank_course.checks.calling import calls_from

        with calls_from([str(name) for name in message["files"]][:50]):
            return thing(*positional, **named)

    def numbered(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return number

    def special(self, value: Any, depth: int) -> list | None:
        if isinstance(value, Borrowed):
            return ["yours", value.key_there]
        if isinstance(value, BaseException):
            return ["error", self.error(value, depth)]
        keeps_identity = isinstance(value, (list, dict)) or (root_of(value), type(value).__name__) in CLASSES
        number = self.numbers.get(id(value)) if keeps_identity else None
        return None if number is None else ["same", number]

    def error(self, error: BaseException, depth: int = 0) -> dict:
        told = super().error(error, depth)
        for name in ("__cause__", "__context__"):
            if type(getattr(error, name)).__name__ in VERDICTS:
                told[name] = None  # a verdict is nothing for a student's process, nor where it was raised
        return told | {"steps": [], "number": self.numbered(error)}

    def other(self, value: Any, depth: int) -> list:
        models = sys.modules.get("rerank_course.checks.models")
        for name in MODELS if models else ():
            load = getattr(models, name)
            if load.cache_info().currsize and load() is value:
                return ["model", name]
        name = type(value).__name__
        if root_of(value) == "torch" and type(value).__module__.startswith("torch.nn"):
            return ["torch", name]
        if name in SERVED and root_of(value) == "rerank_course":
            return ["lent", self.numbered(value), name, *SERVED[name]]
        if inspect.isfunction(value):
            return ["lent", self.numbered(value), value.__name__, [], NO_ATTRIBUTE]
        raise TypeError(f"a {name} cannot be lent to a student's function: see tools/grading/lending.py")

    def _from_same(self, number: int) -> Any:
        return self.objects[number]

    def _from_borrowed(self, key: int, name: str, text: str, operators: list) -> Any:
        if key not in self.theirs:
            self.theirs[key] = borrowed(self.touch, key, name, text, operators)
        return self.theirs[key]

    def _from_client(self, names: list, header: str, address: str) -> Any:
        import cohere

        name = next((name for name in names if name in CLIENTS), "")
        if not name or not isinstance(header, str) or not isinstance(address, str):
            raise ValueError("no client")
        return getattr(cohere, name)(api_key=header.removeprefix("Bearer "), base_url=address)


class Lent:
    """A function of the notebook, as a check sees it."""

    def __init__(self, session: Session, name: str, told: dict) -> None:
        """
        Args:
            told: see ``lender.Lender.describe``.
        """
        self._session, self._name = session, name
        self.__name__ = str(told["name"])
        self.late = str(told["late"])  # "yield" or "async" for a function that a call does not run
        self.__code__ = SimpleNamespace(co_filename=str(told["file"]))
        with contextlib.suppress(KeyError, ValueError, IndexError, TypeError):
            self.__signature__ = inspect.Signature([_parameter(*one) for one in told["parameters"]])

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return self._session.call(self._name, positional, named)


def _parameter(name: str, kind: int, is_optional: bool) -> inspect.Parameter:
    default = None if is_optional else inspect.Parameter.empty
    return inspect.Parameter(name, list(inspect._ParameterKind)[kind], default=default)


class Missing:
    """A name that the notebook does not have.

    A check may hold it and never use it: the function of an earlier part, whose cell the student deleted.
    Whatever else is done with it is the error that it would be in the notebook.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __repr__(self) -> str:
        return f"name {self.__name__!r} is not defined"

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise NameError(repr(self))

    __call__ = __bool__ = __eq__ = __len__ = __iter__ = __getitem__ = __contains__ = __float__ = _fail


def lent(session: Session, name: str, told: dict) -> Any:
    """What a check gets for a name of the notebook: a value, or what calls a function there."""
    if told["kind"] == "missing":
        return Missing(name)
    if told["kind"] == "value":
        return session.decode(told["value"])
    if told["kind"] == "class":
        forward = partial(session.call, name)
        members = {"__new__": lambda cls, *positional, **named: forward(positional, named)}
        return type(str(told["name"]), (), members)
    return Lent(session, name, told)
