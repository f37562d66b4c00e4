"""The features that a graph parses out of serialized `tf.Example`s, read from its nodes; none of them is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

from streaming.savedmodel.graph import Graph, Origin, Place

_PARSERS = frozenset({"ParseExample", "ParseExampleV2", "ParseSingleExample"})
"""The ops that parse `tf.Example`s. Those of `tf.SequenceExample`s take another message, which no job makes."""


@dataclass(frozen=True)
class ParsedFeature:
    """A feature that a model parses.

    Attributes:
        name: in the `tf.Example`.
        dtype: float32, int64 or string.
        shape: of one row's value, None for an unknown size; None for a sparse or ragged feature, of any size.
        required: whether parsing fails where the feature is missing; it has no default.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    required: bool


def parsed_features(graph: Graph, inputs: Iterable[str], outputs: Iterable[str]) -> tuple[ParsedFeature, ...] | None:
    """The features that are parsed out of `inputs` on the way to `outputs`, tensors of `graph` as in `name:0`.

    A feature parsed several times is one, required if it is anywhere; if its types or shapes disagree, each of them
    is in the answer, because the `tf.Example` has to fit them all.

    Returns:
        Sorted by name. None where it cannot be told: nothing is parsed, or the graph does not name the features as
        constants, or it is broken.
    """
    try:
        found = list(_features(Origin(graph, inputs, outputs)))
    except (KeyError, ValueError):  # nodes or functions are missing, lists differ in length, names are no constants
        return None
    return _merged(found) or None


def _merged(found: Iterable[ParsedFeature]) -> tuple[ParsedFeature, ...]:
    required: dict[tuple[str, str, tuple[int | None, ...] | None], bool] = {}
    for each in found:
        key = (each.name, each.dtype, each.shape)
        required[key] = required.get(key, False) or each.required
    ordered = sorted(required, key=lambda key: (key[0], key[1], str(key[2])))
    return tuple(ParsedFeature(*key, required[key]) for key in ordered)


def _features(origin: Origin) -> Iterator[ParsedFeature]:
    """What is parsed out of the inputs themselves, not out of a feature that holds a `tf.Example` of its own."""
    parsers = {place: node for place, node in origin.nodes.items() if node is not None and node.op in _PARSERS}
    from_inputs, from_parsers = origin.made_of(origin.inputs), origin.made_of(parsers)
    for place, node in parsers.items():
        serialized, *rest = origin.data(place)
        if serialized in from_inputs and serialized not in from_parsers:
            yield from _parsed(origin, node, rest)


def _parsed(origin: Origin, node: Any, inputs: list[Place]) -> Iterator[ParsedFeature]:
    """The features that a parser parses; `inputs` are those behind the first, which it parses them out of."""
    dense, others, defaults = _names(origin, node, inputs)
    shapes = [_shape(each) for each in node.attr["dense_shapes"].list.shape]
    for name, dtype, shape, default in zip(dense, _dtypes(node, "Tdense"), shapes, defaults, strict=True):
        yield ParsedFeature(name, dtype, shape, _is_required(origin.constant(default)))
    dtypes = [*_dtypes(node, "sparse_types"), *_dtypes(node, "ragged_value_types")]
    for name, dtype in zip(others, dtypes, strict=True):
        yield ParsedFeature(name, dtype, None, False)


def _names(origin: Origin, node: Any, inputs: list[Place]) -> tuple[list[str], list[str], list[Place]]:
    """The names of the dense features, those of the sparse and ragged ones, and the defaults of the dense ones."""
    if node.op == "ParseSingleExample":
        dense, sparse = (node.attr[name].list.s for name in ("dense_keys", "sparse_keys"))
        return _texts(dense), _texts(sparse), inputs
    if node.op == "ParseExampleV2":
        _, sparse, dense, ragged, *defaults = inputs
        return _keys(origin, [dense]), _keys(origin, [sparse, ragged]), defaults
    first, end = 1 + node.attr["Nsparse"].i, 1 + node.attr["Nsparse"].i + node.attr["Ndense"].i
    return _keys(origin, inputs[first:end]), _keys(origin, inputs[1:first]), inputs[end:]


def _keys(origin: Origin, places: list[Place]) -> list[str]:
    constants = [origin.constant(place) for place in places]
    if any(each is None or len(each.string_val) != _count(each) for each in constants):
        raise ValueError("the features' names are no constants")
    return _texts(chain.from_iterable(each.string_val for each in constants if each is not None))


def _texts(names: Iterable[bytes]) -> list[str]:
    return [name.decode() for name in names]


def _is_required(default: Any | None) -> bool:
    """Whether a dense feature has no default, which is said by an empty one. What is no constant is computed."""
    return default is not None and _count(default) == 0


def _count(tensor: Any) -> int:
    return prod(dim.size for dim in tensor.tensor_shape.dim)


def _shape(shape: Any) -> tuple[int | None, ...] | None:
    return None if shape.unknown_rank else tuple(None if dim.size < 0 else dim.size for dim in shape.dim)


def _dtypes(node: Any, attribute: str) -> list[str]:
    from tensorflow.core.framework.types_pb2 import DT_FLOAT, DT_INT64, DT_STRING

    names = {DT_FLOAT: "float32", DT_INT64: "int64", DT_STRING: "string"}
    kinds = node.attr[attribute].list.type
    if not names.keys() >= set(kinds):
        raise ValueError("no tf.Example holds such a type")
    return [names[kind] for kind in kinds]
