"""Values go over the channel as what they are, or not at all."""

import collections
import decimal
import enum
import fractions
import json
import math

import numpy as np
import pandas as pd
import pytest

from rerank_course.text import Chunk
from tools.grading.wire import MAX_DEPTH, TooMuchError, Wire, dumped


def sent(value):
    """What arrives at the other end."""
    return Wire().decode(json.loads(dumped(Wire().encode(value))))


class Grade(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -7,
        2**80,
        0.1,
        math.inf,
        "é\ud800 \0",
        b"\xff",
        1 + 2j,
        ...,
        [1, ("a", None), {"b": [2.5]}],
        {(1, 2): "pair", None: 3},
        {1, 2},
        frozenset({"a"}),
        range(3, 9, 2),
        slice(None, 3),
        decimal.Decimal("0.10"),
        fractions.Fraction(1, 3),
        Chunk("a", "text", "title", False),
    ],
    ids=str,
)
def test_a_plain_value_arrives_as_it_was(value):
    arrived = sent(value)
    assert arrived == value
    assert type(arrived) is type(value)


def test_nan_arrives():
    assert math.isnan(sent(math.nan))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Grade.HIGH, 3),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.deque([1, 2]), [1, 2]),
        (collections.UserDict(a=1), {"a": 1}),
        (collections.namedtuple("Row", "document score")("a", 1.5), ("a", 1.5)),
    ],
    ids=repr,
)
def test_what_is_like_a_plain_value_arrives_as_one(value, plain):
    assert sent(value) == plain


def test_a_view_of_a_dictionary_is_still_no_list():
    assert type(sent({"a": 1}.keys())) is type({}.keys())
    assert list(sent({"a": 1}.values())) == [1]


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "uint8", "bool", "<U1"])
def test_an_array_keeps_its_type_and_shape(kind):
    array = np.array([[1, 0], [3, 1]]).astype(kind)
    arrived = sent(array)
    assert arrived.dtype == array.dtype
    assert arrived.shape == array.shape
    assert (arrived == array).all()
    assert type(sent(array[0, 0])) is type(array[0, 0])


def test_an_array_of_objects_arrives():
    assert sent(np.array([{"a": 1}, None], dtype=object)).tolist() == [{"a": 1}, None]


def test_tables_arrive():
    table = pd.DataFrame({"query": ["q1", "q2"], "nDCG@10": [0.5, 1.0]}, index=["x", "y"])
    pd.testing.assert_frame_equal(sent(table), table, check_column_type=False)
    assert sent(table["nDCG@10"]).to_dict() == {"x": 0.5, "y": 1.0}
    assert sent(table.index).tolist() == ["x", "y"]


@pytest.mark.heavy  # torch
def test_a_tensor_arrives():
    import torch

    tensor = torch.tensor([[1.5, 2.5]], requires_grad=True)
    assert torch.equal(sent(tensor), tensor.detach())


def test_what_holds_itself_is_too_much():
    endless = []
    endless.append(endless)
    with pytest.raises(TooMuchError):
        Wire().encode(endless)
    deep = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(TooMuchError):
        Wire().encode(deep)


def test_what_is_not_plain_cannot_be_sent_by_itself():
    with pytest.raises(TypeError, match="a module cannot be sent"):
        Wire().encode(json)


@pytest.mark.parametrize(
    "forged",
    [
        {"a": 1},
        ["nothing"],
        ["__class__"],
        ["list"],
        ["list", None, 5],
        ["dict", None, [[1]]],
        ["dict", None, [[["list", None, []], 1]]],
        ["made", "os", "system", None, ["ls"]],
        ["made", "rerank_course", "Chunk", None, []],
        ["array", "<f8", [3], [1, 2]],
        ["array", "O8; import os", [0], []],
        ["array", "<U9", [2000], ["x" * 1_000_000, *[""] * 1999]],
        ["array", "<f8", [1], ["x"]],
        ["scalar", "M8[s]", 5],
        ["tensor", "Storage", [1], [1]],
        ["range", 0, 10**15, 1],
        ["fraction", "0x1", "0x0"],
        ["decimal", "one"],
        ["int", "x"],
        ["bytes", 5],
        ["yours", 5],
    ],
    ids=str,
)
def test_a_forged_message_is_a_value_error(forged):
    with pytest.raises(ValueError, match="."):
        Wire().decode(forged)


def test_a_message_nested_without_end_is_a_value_error():
    nested = ["tuple", []]
    for _ in range(100_000):
        nested = ["tuple", [nested]]
    with pytest.raises(ValueError, match="no message"):
        Wire().decode(nested)
