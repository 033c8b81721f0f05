"""What runs in a student's kernel after their notebook: it lends their functions, and decides nothing.

kernels.py sends its text, after that of wire.py, and calls ``lend``. It connects to a socket in the box and
waits to be asked: what is a name, call this function, look at that object. Objects of the grader's are here
as stand-ins that ask back. Whatever a student does to this module, or sends in its place, can only become an
answer of the student's own.
"""

import asyncio
import contextlib
import inspect
import io
import json
import os
import signal
import socket
import sys
import threading
import time
import types
import typing
import warnings
from importlib import import_module

from tools.grading.wire import TooMuchError, Wire, dumped, root_of

NOTHING_ELSE = {"printed": "", "warnings": [], "changed": []}
KEPT_PRINT = 100_000  # characters that a function printed
FORWARDED = ("__call__", "__getitem__", "__delitem__", "__len__", "__iter__", "__next__")


class Given(Wire):
    """The values on this end of the channel: what the grader has given, and what stays here."""

    def __init__(self):
        self.given, self.numbers, self.before = {}, {}, {}
        self.borrowed, self.keys = [], {}

    def ask(self, message):
        """Ask the grader, and answer what it asks meanwhile."""
        raise NotImplementedError

    def special(self, value, depth):
        number = self.numbers.get(id(value))
        return None if number is None else ["same", number]

    def other(self, value, depth):
        """An object that stays here, under a number."""
        package, wrapper = root_of(value), getattr(value, "_client_wrapper", None)
        names = [kind.__name__ for kind in type(value).__mro__ if kind.__module__.startswith("cohere")]
        if package and names and wrapper is not None:
            return ["client", names, wrapper.get_headers().get("Authorization"), wrapper.get_base_url()]
        if hasattr(type(value), "__float__") and not hasattr(type(value), "__iter__"):
            return float(value)
        key = self.keys.get(id(value))
        if key is None:
            key = self.keys[id(value)] = len(self.borrowed)
            self.borrowed.append(value)
        text = ""
        with contextlib.suppress(Exception):
            text = repr(value)[:300]
        operators = [name for name in FORWARDED if hasattr(type(value), name)]
        return ["borrowed", key, str(type(value).__name__)[:100], text, operators]

    def returned(self, number, value):
        if number is not None:
            self.given[number], self.numbers[id(value)] = value, number
            if isinstance(value, (list, dict)):
                self.before[number] = value.copy()
        return value

    def _from_same(self, number):
        return self.given[number]

    def _from_yours(self, key):
        return self.borrowed[key]

    def _from_model(self, name):
        return getattr(import_module("rerank_course.checks.models"), name)()

    def _from_torch(self, name):
        return getattr(import_module("torch.nn"), name)()

    def _from_lent(self, number, name, methods, missing):
        """A stand-in for an object of the grader's, or for a function of its."""

        def asking(method):
            def ask(*positional, **named):
                return self.ask_for(number, method, positional, named)

            ask.__name__ = method or name
            return ask

        if not methods:
            made = asking("")
        else:
            members = {method: staticmethod(asking(method)) for method in methods}
            made = type(name, (StandIn,), members | {"missing": missing})()
        return self.returned(number, made)

    def _from_error(self, told):
        return self.raised(told)

    def ask_for(self, number, method, positional, named):
        files: list[str] = []
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and len(files) < 50:
            files.append(frame.f_code.co_filename)
            frame = frame.f_back
        self.nodes = 0
        args, keywords = self._encode(positional, 0), self._encode(named, 0)
        message = {"do": "ask", "object": number, "method": method, "args": args, "named": keywords}
        return self.ask(message | {"files": files})

    def raised(self, told):
        """An error of the grader's, as the class that it has there."""
        module, _, name = told["classes"][0].partition(":")
        kind: typing.Any = import_module(module)
        for part in name.split("."):
            kind = getattr(kind, part)
        args, state = self._all(told["args"]), {name: self._decode(value) for name, value in told["state"]}
        if isinstance(kind.__init__, type(OSError.__init__)):  # one of Python's own, or made like them
            made = kind(*args)
        else:
            made = kind.__new__(kind, *args)
            made.args = tuple(args)
        made.__dict__.update(state)
        for where in ("__cause__", "__context__"):
            setattr(made, where, self.raised(told[where]) if told[where] else None)
        made.__suppress_context__ = told["suppress"]
        return self.returned(told["number"], made)


class Lender(Given):
    """This end of the channel."""

    def __init__(self, address, names):
        super().__init__()
        self.names = names  # of the notebook
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address)
        self.lines = self.socket.makefile("rb")
        self.at_work = self.in_message = self.interrupted = False

    def interrupt(self, *_):
        """Ctrl-C, for the student's code alone: a message is never cut in two."""
        if self.at_work and not self.in_message:
            raise KeyboardInterrupt
        self.interrupted = self.at_work

    def send(self, message):
        self.in_message = True
        try:
            line = dumped(message)
        except TooMuchError as error:
            if "reply" not in message:
                raise
            line = dumped({"reply": message["reply"], **NOTHING_ELSE, **self.failed(error)})
        self.socket.sendall(line)

    def receive(self):
        self.in_message = True
        line = self.lines.readline()
        return json.loads(line) if line else None

    def serve(self):
        """Answer until the other end closes."""
        while (message := self.receive()) is not None:
            self.in_message = False
            answer = self.answer(message)
            self.at_work = False
            self.send(answer)

    def ask(self, message):
        self.send(message)
        while (answer := self.receive()) is not None and "do" in answer:
            self.in_message = False
            self.send(self.answer(answer))
        self.in_message = False
        if self.interrupted or answer is None:
            self.interrupted = False
            raise KeyboardInterrupt
        if "error" in answer:
            raise self.raised(answer["error"])
        return self._decode(answer["value"])

    def answer(self, message):
        how = {"describe": self.describe, "call": self.call, "touch": self.touch}[message["do"]]
        answer = {"reply": message.get("number", 0)}
        try:
            return answer | how(message)
        except BaseException as error:  # SystemExit and KeyboardInterrupt are answers too
            return answer | self.failed(error)

    def failed(self, error):
        number = self.numbers.get(id(error))
        try:
            self.nodes = 0
            return {"error": self.error(error) | {"same": number}}
        except BaseException:  # an error whose own code fails
            return {"error": {"classes": ["builtins:Exception"], "text": "an error that cannot be read"}}

    def describe(self, message):
        """What stands behind a name of the notebook."""
        name = message["name"]
        if name not in self.names:
            return {"kind": "missing"}
        value = self.names[name]
        if not callable(value):
            return {"kind": "value", "value": self.encode(value)}
        late = "yield" if inspect.isgeneratorfunction(value) else ""
        told: dict[str, typing.Any] = {
            "kind": "class" if isinstance(value, type) else "function",
            "name": str(getattr(value, "__name__", name)),
            "file": str(getattr(getattr(value, "__code__", None), "co_filename", "")),
            "late": "async" if inspect.iscoroutinefunction(value) else late,
            "parameters": None,
        }
        with contextlib.suppress(ValueError, TypeError):
            parameters = inspect.signature(value).parameters.values()
            told["parameters"] = [[p.name, int(p.kind), p.default is not p.empty] for p in parameters]
        return told

    def call(self, message):
        """Call one function of the notebook."""
        self.given, self.numbers, self.before = {}, {}, {}
        positional, named = self.decode(message["args"]), self.decode(message["named"])
        printed, seen = io.StringIO(), []
        function = self.names[message["name"]]
        try:
            with (
                surroundings(message),
                contextlib.redirect_stdout(printed),
                warnings.catch_warnings(record=True) as seen,
            ):
                warnings.simplefilter("always")
                self.at_work = True
                value = function(*positional, **named)
                if inspect.iscoroutine(value):
                    value = finished(value)
                self.at_work = False
            answer = {"value": self.encode(value)}
        except BaseException as error:
            self.at_work = False
            answer = self.failed(error)
        answer["printed"] = printed.getvalue()[:KEPT_PRINT]
        answer["warnings"] = [
            [[f"{c.__module__}:{c.__qualname__}" for c in w.category.__mro__], str(w.message)[:2000]]
            for w in seen[:100]
        ]
        answer["changed"] = self.changed()
        return answer

    def changed(self):
        """The lists and dictionaries that the function was given and has changed."""
        found = []
        for number, before in self.before.items():
            now = self.given[number]
            if isinstance(now, list):
                same = len(now) == len(before) and all(a is b for a, b in zip(now, before))
            else:
                same = list(now) == list(before) and all(now[key] is before[key] for key in before)
            if not same:
                self.nodes, known = 0, self.numbers.pop(id(now))
                found.append([number, self._encode(now, 0)])
                self.numbers[id(now)] = known
        return found

    def touch(self, message):
        """Look at an object of the student's: one of its attributes, or one of its own operators."""
        thing, how = self.borrowed[message["object"]], message["how"]
        positional, named = self._decode(message["args"]), self._decode(message["named"])
        self.nodes, self.at_work = 0, True
        value = getattr(thing, how) if message["attribute"] else None
        if not message["attribute"]:
            value = thing(*positional, **named) if how == "__call__" else getattr(thing, how)(*positional)
        return {"value": self._encode(value, 0)}


class StandIn:
    """An object of the grader's, here."""

    missing = ""

    def __getattr__(self, name):
        raise AttributeError(self.missing.format(name=repr(name)))


@contextlib.contextmanager
def surroundings(message):
    """The environment variables, and whether a pause takes time, as they are where the check runs."""
    kept, sleep = {name: os.environ.get(name) for name in message["environment"]}, time.sleep
    try:
        _set_variables(message["environment"])
        if message["no_pauses"]:
            time.sleep = lambda seconds: None
        yield
    finally:
        time.sleep = sleep
        _set_variables(kept)


def _set_variables(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def finished(coroutine):
    """What a coroutine returns. The kernel's own loop is running, so another thread runs another one."""
    outcome = {}

    def run():
        try:
            outcome["value"] = asyncio.run(coroutine)
        except BaseException as error:  # raised again below
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def lend(address, names):
    lender = Lender(address, names)
    before = signal.signal(signal.SIGINT, lender.interrupt)
    try:
        lender.serve()
    finally:
        signal.signal(signal.SIGINT, before)
