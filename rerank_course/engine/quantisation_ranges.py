"""All layers of the int8 model round a kind of activation to the same 256 steps.

SmoothQuant multiplies each activation by a vector before it is rounded. A factor more in that vector, and
less in the weights that follow, changes no product; it brings every layer's range to the same one. Steps are
part of a kernel, so one kernel then serves them all: half the memory for each length of text that the engine
has met, and half the time to prepare for one.
"""

from collections import defaultdict

import numpy as np
from openvino import opset13

# The kinds of activations that are rounded, by the layer that reads them; the more exact name first.
ROUNDED = ("attention.self", "attention.output", "intermediate", "output")


def set_equal_ranges(model) -> None:
    """Change the roundings of a quantised OpenVINO ``model``, so that each kind has one range."""
    for roundings in _roundings_by_kind(model).values():
        low, high = _common_range(roundings)
        for rounding in roundings:
            _stretch(rounding, low, high)


def _roundings_by_kind(model) -> dict[str, list]:
    """{kind of activation: its roundings}: the nodes that cut a range into steps."""
    kinds = defaultdict(list)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            name = _readers(node)[0].get_friendly_name()
            kinds[next(kind for kind in ROUNDED if kind in name)].append(node)
    return kinds


def _common_range(roundings: list) -> tuple[float, float]:
    """Lowest and highest value, the highest 1; wide enough below zero for the layer that needs most."""
    # The lowest value as a share of the highest, in whole steps: zero must be one of them.
    share = max(-(_constant(node, 1).item() / _constant(node, 2).item()) for node in roundings)
    below_zero = np.ceil(255 * share / (1 + share))
    return -below_zero / (255 - below_zero), 1.0


def _stretch(rounding, low: float, high: float) -> None:
    """Give a rounding the range from ``low`` to ``high``: more before it, less in the weights behind."""
    factor = min(high / _constant(rounding, 2).item(), low / _constant(rounding, 1).item())
    _multiply(rounding.input_value(0).get_node(), factor)
    for reader in _readers(rounding):
        _multiply(reader.input_value(1).get_node(), 1 / factor)
    for position, bound in enumerate((low, high, low, high), start=1):
        rounding.input(position).replace_source_output(opset13.constant(np.float32(bound)).output(0))


def _readers(node) -> list:
    return [reader.get_node() for reader in node.output(0).get_target_inputs()]


def _constant(node, position: int) -> np.ndarray:
    return node.input_value(position).get_node().get_data()


def _multiply(node, factor: float) -> None:
    product = (_constant(node, 1) * factor).astype(np.float32)
    node.input(1).replace_source_output(opset13.constant(product).output(0))
