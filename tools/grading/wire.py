"""Plain values as lines of JSON, for both ends of the channel between the grader and a student's kernel.

lender.py, which runs in the kernel, gets the text of this module; so it needs the standard library alone.
Numbers, texts and containers travel by value, arrays and tables as type and values, errors by the names of
their classes. Nothing is unpickled or evaluated, and a name that arrives is only looked up in a list.
"""

import base64
import collections.abc
import contextlib
import decimal
import fractions
import json
import math
import re
import sys
import traceback
from importlib import import_module

MAX_BYTES = 8_000_000  # of one message
MAX_DEPTH = 60
MAX_NODES = 400_000  # values in one message
MAX_NUMBERS = 1_000_000  # in a range, and letters in an array of texts
KEPT_TEXT = 20_000  # characters of an error
TENSORS = ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
# (package, class): (where to find it, its fields).
CLASSES = {
    ("rerank_course", "Chunk"): ("rerank_course.text", ("id", "text", "title", "with_heading")),
    ("cohere", "V2RerankResponse"): ("cohere", ("id", "results")),
    ("cohere", "V2RerankResponseResultsItem"): ("cohere", ("index", "relevance_score")),
}
VIEWS = {"keys": collections.abc.KeysView, "values": collections.abc.ValuesView}


class TooMuchError(ValueError):
    """A message is larger, or deeper, than one may be."""


def dumped(message):
    """One line of JSON, as bytes.

    Raises:
        TooMuchError: it would be too long.
    """
    line = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()
    if len(line) > MAX_BYTES:
        raise TooMuchError(f"more than {MAX_BYTES / 1e6:.0f} MB")
    return line + b"\n"


def root_of(value):
    """The package in which a value's class was written."""
    return str(getattr(type(value), "__module__", "")).partition(".")[0]


class Encoder:
    """Turns values into what JSON can hold; each end of the channel adds what only it knows."""

    def encode(self, value):
        """What JSON can hold, for any value.

        Raises:
            TooMuchError: it is too large, too deep, or holds itself.
        """
        self.nodes = 0
        return self._encode(value, 0)

    def special(self, value, depth):
        """What this end has to say of a value before anything else; ``None`` for nothing."""

    def other(self, value, depth):
        """What this end makes of a value that is not plain."""
        raise TypeError(f"a {type(value).__name__} cannot be sent")

    def numbered(self, value):
        """The number under which a container that is sent can come back as itself; ``None`` for none."""

    def _encode(self, value, depth):
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise TooMuchError("a value that is too large, or holds itself")
        kind = type(value)
        if value is None or kind in (bool, float, str):
            return value
        if kind is int:
            return value if abs(value) < 2**63 else ["int", hex(value)]
        known = self.special(value, depth)
        if known is not None:
            return known
        for encode in (self._scalar, self._library, self._container):
            known = encode(value, depth + 1)
            if known is not None:
                return known
        return self.other(value, depth + 1)

    def _many(self, values, depth):
        return [self._encode(value, depth) for value in values]

    def _scalar(self, value, depth):
        simple = {bytes: "bytes", bytearray: "bytes", complex: "complex"}.get(type(value))
        if simple == "bytes":
            return ["bytes", base64.b64encode(bytes(value)).decode()]
        if simple == "complex":
            return ["complex", value.real, value.imag]
        if isinstance(value, (range, slice)):
            parts = [value.start, value.stop, value.step]
            return [type(value).__name__, *self._many(parts, depth)]
        if value is Ellipsis:
            return ["ellipsis"]
        if isinstance(value, decimal.Decimal):
            return ["decimal", str(value)]
        if isinstance(value, fractions.Fraction):
            return ["fraction", hex(value.numerator), hex(value.denominator)]
        if root_of(value) == "numpy":
            return None
        for plain in (str, int, float):  # a subclass, an enumeration for example
            if isinstance(value, plain):
                return self._encode(plain(plain.__str__(value) if plain is str else value), depth)
        return None

    def _library(self, value, depth):
        package = root_of(value)
        if package == "numpy":
            return self._numpy(value, depth)
        if package == "torch" and isinstance(value, sys.modules["torch"].Tensor):
            tensor = value.detach().cpu()
            name = str(tensor.dtype).removeprefix("torch.")
            return ["tensor", name, list(tensor.shape), tensor.reshape(-1).tolist()]
        if package == "pandas":
            return self._pandas(value, depth)
        found = CLASSES.get((package, type(value).__name__))
        if found is not None:
            fields = self._many([getattr(value, name) for name in found[1]], depth)
            return ["made", package, type(value).__name__, self.numbered(value), fields]
        return None

    def _numpy(self, value, depth):
        numpy = sys.modules["numpy"]
        if isinstance(value, numpy.generic) and value.dtype.kind in "biufU":
            return ["scalar", value.dtype.str, value.item()]
        if isinstance(value, numpy.ndarray) and value.dtype.kind in "biufUO":
            flat = self._many(value.reshape(-1).tolist(), depth)
            return ["array", value.dtype.str, list(value.shape), flat]
        return None

    def _pandas(self, value, depth):
        pandas = sys.modules["pandas"]
        if isinstance(value, pandas.Series):
            values, index = self._many(value.tolist(), depth), self._many(value.index.tolist(), depth)
            return ["series", values, index]
        if isinstance(value, pandas.DataFrame):
            columns = [self._many(value.iloc[:, place].tolist(), depth) for place in range(value.shape[1])]
            names, index = self._many(value.columns.tolist(), depth), self._many(value.index.tolist(), depth)
            return ["frame", names, index, columns]
        if isinstance(value, pandas.Index):
            return ["index", self._many(value.tolist(), depth)]
        return None

    def _container(self, value, depth):
        for name, view in VIEWS.items():
            if isinstance(value, view):
                return ["view", name, self._many(value, depth)]
        if isinstance(value, tuple):
            return ["tuple", self._many(value, depth)]
        if isinstance(value, (collections.abc.Set,)):
            kind = "frozenset" if isinstance(value, frozenset) else "set"
            return [kind, self._many(value, depth)]
        if root_of(value) == "transformers":  # its dictionaries have attributes too
            return None
        if isinstance(value, collections.abc.Mapping):
            rows = [self._many(row, depth) for row in value.items()]
            return ["dict", self.numbered(value), rows]
        if isinstance(value, collections.abc.Sequence):
            return ["list", self.numbered(value), self._many(value, depth)]
        return None

    def error(self, error, depth=0):
        """What can be said of an error: its classes' names, its text, and where it was raised."""
        classes = [f"{kind.__module__}:{kind.__qualname__}" for kind in type(error).__mro__]
        told = {"classes": classes, "text": "", "args": [], "state": [], "suppress": False}
        with contextlib.suppress(Exception):  # a text of its own that fails says nothing
            told["text"] = str(error)[:KEPT_TEXT]
        with contextlib.suppress(Exception):
            told["args"] = self._many(error.args, depth + 1)
        with contextlib.suppress(Exception):
            told["state"] = [
                [name, self._encode(value, depth + 1)]
                for name, value in vars(error).items()
                if not name.startswith("__")
            ]
        told["suppress"] = bool(error.__suppress_context__)
        for name in ("__cause__", "__context__"):
            behind = getattr(error, name)
            told[name] = self.error(behind, depth + 10) if behind is not None and depth < 50 else None
        told["steps"] = [
            [step.filename, step.name, step.lineno, (step.line or "")[:300]]
            for step in traceback.extract_tb(error.__traceback__)[-30:]
        ]
        return told


class Decoder:
    """Turns them back. What the other end sends becomes a value of a kind that stands here, or an error."""

    def decode(self, message):
        """The value again.

        Raises:
            ValueError: the message is none that ``encode`` gives.
        """
        try:
            return self._decode(message)
        except (TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ValueError(f"no message: {type(error).__name__}: {error}") from error

    def _decode(self, message):
        if not isinstance(message, list):
            if isinstance(message, dict):
                raise ValueError("no value")
            return message
        decode = getattr(self, f"_from_{message[0]}", None)
        if decode is None:
            raise ValueError(f"no kind of value: {str(message[0])[:40]!r}")
        return decode(*message[1:])

    def _all(self, values):
        return [self._decode(value) for value in values]

    def returned(self, number, value):
        """A container that has just been decoded, and the number it was sent with."""
        return value

    def _from_int(self, text):
        return int(text, 16)

    def _from_bytes(self, text):
        return base64.b64decode(text)

    def _from_complex(self, real, imaginary):
        return complex(real, imaginary)

    def _from_range(self, *parts):
        if len(range(*parts)) > MAX_NUMBERS:
            raise ValueError("a range without an end")
        return range(*parts)

    def _from_slice(self, *parts):
        return slice(*self._all(parts))

    def _from_ellipsis(self):
        return ...

    def _from_decimal(self, text):
        return decimal.Decimal(text[:1000])

    def _from_fraction(self, above, below):
        return fractions.Fraction(int(above[:1000], 16), int(below[:1000], 16))

    def _from_scalar(self, kind, value):
        import numpy

        if not re.fullmatch(r"[<>|=]?[biufU]\d{1,3}", kind):
            raise ValueError("no kind of number")
        return numpy.str_(value) if "U" in kind else numpy.dtype(kind).type(value)

    def _from_array(self, kind, shape, values):
        import numpy

        if not re.fullmatch(r"[<>|=]?[biufUO]\d{0,9}", kind) or math.prod(shape) != len(values):
            raise ValueError("no array")
        if "O" in kind:
            made = numpy.empty(len(values), dtype=object)
            made[:] = self._all(values)
            return made.reshape(shape)
        if "U" in kind and len(values) * max(map(len, values), default=0) > MAX_NUMBERS:
            raise ValueError("an array of texts that is too large")
        return numpy.array(values, dtype=str if "U" in kind else numpy.dtype(kind)).reshape(shape)

    def _from_tensor(self, kind, shape, values):
        import torch

        if kind not in TENSORS or math.prod(shape) != len(values):
            raise ValueError("no tensor")
        return torch.tensor(values, dtype=getattr(torch, kind)).reshape(shape)

    def _from_series(self, values, index):
        import pandas

        return pandas.Series(self._all(values), index=self._all(index))

    def _from_frame(self, names, index, columns):
        import pandas

        table = pandas.DataFrame(dict(enumerate(map(self._all, columns))), index=self._all(index))
        table.columns = self._all(names)
        return table

    def _from_index(self, values):
        import pandas

        return pandas.Index(self._all(values))

    def _from_made(self, package, name, number, fields):
        module, names = CLASSES[package, name]
        made = getattr(import_module(module), name)
        return self.returned(number, made(**dict(zip(names, self._all(fields)))))

    def _from_view(self, name, values):
        items = self._all(values)
        return dict.fromkeys(items).keys() if name == "keys" else dict(enumerate(items)).values()

    def _from_tuple(self, values):
        return tuple(self._all(values))

    def _from_set(self, values):
        return set(self._all(values))

    def _from_frozenset(self, values):
        return frozenset(self._all(values))

    def _from_dict(self, number, rows):
        return self.returned(number, {self._decode(key): self._decode(value) for key, value in rows})

    def _from_list(self, number, values):
        return self.returned(number, self._all(values))


class Wire(Encoder, Decoder):
    """Both."""
