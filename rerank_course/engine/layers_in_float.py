"""Which layers of an encoder are not worth rounding, read from the shape of its graph.

No name is looked at, so that it holds for each architecture.
"""

from typing import Any, NamedTuple


class LayersInFloat(NamedTuple):
    """Names of a graph's nodes.

    Attributes:
        products: of two activations, as in attention: there are no weights to round. At 200 tokens 8 % of
            the multiplications.
        heads: work on one vector a pair, after the tokens have been left: rounding them saves nothing.
        narrowing: give fewer numbers than they take. In an encoder these are the second layers of the
            feed-forward parts. They read what a GELU leaves, whose largest numbers are far from the mean.
    """

    products: list[str]
    heads: list[str]
    narrowing: list[str]


def layers_in_float(graph: Any) -> LayersInFloat:
    """Find them in an OpenVINO model."""
    found = LayersInFloat([], [], [])
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "ScaledDotProductAttention":
            found.products.append(node.get_friendly_name())
        elif node.get_type_name() == "MatMul":
            kind = _kind(node)
            if kind:
                getattr(found, kind).append(node.get_friendly_name())
    return found


def _kind(node: Any) -> str | None:
    weights = [side for side in (0, 1) if _is_constant(node.input_value(side).get_node())]
    if not weights:
        return "products"
    output = node.get_output_partial_shape(0)
    if output.rank.get_length() < 3:
        return "heads"
    taken = node.input_value(1 - weights[0]).get_partial_shape()[-1]
    return "narrowing" if taken.get_max_length() > output[-1].get_max_length() else None


def _is_constant(node: Any) -> bool:
    """Whether a value is fixed: a constant, or what is computed from constants alone."""
    if node.get_type_name() in ("Constant", "Parameter"):
        return node.get_type_name() == "Constant"
    sources = [node.input_value(side).get_node() for side in range(node.get_input_size())]
    return bool(sources) and node.get_type_name() in _PASSED_ON and all(map(_is_constant, sources))


_PASSED_ON = ("Convert", "Transpose", "Reshape", "Multiply", "Unsqueeze", "Squeeze")
