"""The features that real SavedModels parse, told from their graphs, and graphs that no TensorFlow has made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.types_pb2 import DT_INT32

from streaming.savedmodel.graph import Graph
from streaming.savedmodel.parsed_features import ParsedFeature, parsed_features
from streaming.savedmodel.signatures import read_signatures

Features = tuple[ParsedFeature, ...] | None
X = ParsedFeature("x", "float32", (1,), required=True)
X_SPEC = {"x": tf.io.FixedLenFeature([1], tf.float32)}
KINDS = {
    "amount": tf.io.FixedLenFeature([], tf.float32),
    "grid": tf.io.FixedLenFeature([2, 3], tf.int64),
    "label": tf.io.FixedLenFeature([1], tf.string, default_value="none"),
    "pair": tf.io.FixedLenFeature([2], tf.int64, default_value=[1, 2]),
    "series": tf.io.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
    "steps": tf.io.FixedLenSequenceFeature([2], tf.int64, allow_missing=True),
    "words": tf.io.VarLenFeature(tf.string),
    "weights": tf.io.SparseFeature("weight_at", "weight", tf.float32, size=10),
    "ages": tf.io.RaggedFeature(tf.int64),
    "tags": tf.io.RaggedFeature(tf.string, "tag", [tf.io.RaggedFeature.RowSplits("tag_splits")], tf.int64),
}
PARSED_KINDS = (
    ParsedFeature("ages", "int64", None, required=False),
    ParsedFeature("amount", "float32", (), required=True),
    ParsedFeature("grid", "int64", (2, 3), required=True),
    ParsedFeature("label", "string", (1,), required=False),
    ParsedFeature("pair", "int64", (2,), required=False),
    ParsedFeature("series", "float32", (None,), required=False),
    ParsedFeature("steps", "int64", (None, 2), required=False),
    ParsedFeature("tag", "string", None, required=False),
    ParsedFeature("tag_splits", "int64", None, required=False),
    ParsedFeature("weight", "float32", None, required=False),
    ParsedFeature("weight_at", "int64", None, required=False),
    ParsedFeature("words", "string", None, required=False),
)


class Model(tf.Module):
    """A signature for each way to parse, named for it."""

    def __init__(self) -> None:
        super().__init__()
        self.key = tf.constant(["x"])
        self.no_default = tf.constant([], tf.float32)
        self.default = tf.constant([7.0])
        self.variable = tf.Variable([7.0])
        self.parse_inner_function = tf.function(parse_inner)

    def every_kind(self, examples: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(examples, KINDS)["amount"]

    def another_feature(self, examples: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(examples, {"y": tf.io.FixedLenFeature([3], tf.int64)})["y"]

    def one_by_one(self, examples: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(parse_one, examples, fn_output_signature=tf.float32)

    def either_branch(self, examples: tf.Tensor) -> tf.Tensor:
        return tf.cond(
            tf.size(examples) > 1, lambda: self.captured_by_name(examples), lambda: parse_x(examples, required=False)
        )

    def captured_by_name(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_by(examples, self.key, self.no_default)

    def captured_default(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_by(examples, self.key, self.default)

    def computed_default(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_by(examples, self.key, self.variable * 2.0)

    def computed_name(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_by(examples, tf.strings.lower(["X"]), self.default)

    def op_of_tensorflow_1(self, examples: tf.Tensor) -> tf.Tensor:
        names = tf.constant([], tf.string)
        parsed = tf.raw_ops.ParseExample(
            serialized=examples,
            names=names,
            sparse_keys=["s"],
            dense_keys=["x", "y"],
            dense_defaults=[self.no_default, tf.constant([b"none"])],
            sparse_types=[tf.int64],
            dense_shapes=[[1], [1]],
        )
        return parsed.dense_values[0]

    def op_for_one_example(self, examples: tf.Tensor) -> tf.Tensor:
        parsed = tf.raw_ops.ParseSingleExample(
            serialized=examples[0],
            dense_defaults=[self.no_default],
            num_sparse=1,
            sparse_keys=["s"],
            dense_keys=["x"],
            sparse_types=[tf.string],
            dense_shapes=[[1]],
        )
        return parsed.dense_values[0]

    def sequence_examples(self, examples: tf.Tensor) -> tf.Tensor:
        steps = {"step": tf.io.FixedLenSequenceFeature([], tf.float32)}
        return tf.io.parse_sequence_example(examples, X_SPEC, steps)[0]["x"]

    def parsed_twice(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_x(examples, required=False) + parse_x(examples)

    def parsed_as_two_things(self, examples: tf.Tensor) -> tf.Tensor:
        sparse = tf.io.parse_example(examples, {"x": tf.io.VarLenFeature(tf.int64)})["x"]
        return parse_x(examples) + tf.cast(tf.sparse.to_dense(sparse), tf.float32)

    def example_in_an_example(self, examples: tf.Tensor) -> tf.Tensor:
        return self.one_by_one(parse_inner(examples))

    def example_out_of_a_function(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_x(self.parse_inner_function(examples))

    def example_of_its_own(self, examples: tf.Tensor) -> tf.Tensor:
        return parse_x(tf.constant([example(x=1.0)]), required=False) * tf.cast(tf.size(examples), tf.float32)

    def nothing_parsed(self, examples: tf.Tensor) -> tf.Tensor:
        return tf.strings.length(examples)


Y = ParsedFeature("y", "int64", (3,), required=True)
X_WITH_DEFAULT = ParsedFeature("x", "float32", (1,), required=False)
INNER = ParsedFeature("inner", "string", (), required=True)
EXPECTED: dict[str, Features] = {
    "every_kind": PARSED_KINDS,
    "another_feature": (Y,),
    "one_by_one": (X,),
    "either_branch": (X,),
    "captured_by_name": (X,),
    "captured_default": (X_WITH_DEFAULT,),
    "computed_default": (X_WITH_DEFAULT,),
    "computed_name": None,
    "op_of_tensorflow_1": (
        ParsedFeature("s", "int64", None, required=False),
        X,
        ParsedFeature("y", "string", (1,), required=False),
    ),
    "op_for_one_example": (ParsedFeature("s", "string", None, required=False), X),
    "sequence_examples": None,
    "parsed_twice": (X,),
    "parsed_as_two_things": (X, ParsedFeature("x", "int64", None, required=False)),
    "example_in_an_example": (INNER,),
    "example_out_of_a_function": (INNER,),
    "example_of_its_own": None,
    "nothing_parsed": None,
}


def parse_x(examples: tf.Tensor, required: bool = True) -> tf.Tensor:
    default = None if required else 7.0
    return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32, default)})["x"]


def parse_one(example: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_single_example(example, X_SPEC)["x"]


def parse_inner(examples: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_example(examples, {"inner": tf.io.FixedLenFeature([], tf.string)})["inner"]


def parse_by(examples: tf.Tensor, key: tf.Tensor, default: tf.Tensor) -> tf.Tensor:
    """Parses one feature of shape [1] whose name and default are tensors."""
    none = tf.constant([], tf.string)
    parsed = tf.raw_ops.ParseExampleV2(
        serialized=examples,
        names=none,
        sparse_keys=none,
        dense_keys=key,
        ragged_keys=none,
        dense_defaults=[default],
        num_sparse=0,
        sparse_types=[],
        ragged_value_types=[],
        ragged_split_types=[],
        dense_shapes=[[1]],
    )
    return parsed.dense_values[0]


def example(**values: Any) -> bytes:
    """A serialized `tf.Example` of numbers, or lists of whole numbers."""
    built = tf.train.Example()
    for name, value in values.items():
        feature = built.features.feature[name]
        if isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.int64_list.value.extend(value)
    return built.SerializeToString()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("parsing")
    module = Model()
    examples = [tf.TensorSpec([None], tf.string, name="examples")]
    signatures = {name: tf.function(getattr(module, name), input_signature=examples) for name in EXPECTED}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


@pytest.fixture(scope="module")
def features(model: Path) -> dict[str, Features]:
    return {name: signature.features for name, signature in read_signatures(str(model), "models.m.path").items()}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_signature_parses(features: dict[str, Features], name: str) -> None:
    assert features[name] == EXPECTED[name]


@pytest.mark.parametrize("name", ["times5", "keras", "classic", "many_outputs"])
def test_what_models_of_every_make_parse(saved_models: Path, name: str) -> None:
    assert read_signatures(str(saved_models / name), "models.m.path")["serving_default"].features == (X,)


def test_a_feature_is_required_where_tensorflow_wants_it(model: Path) -> None:
    parse = tf.saved_model.load(str(model)).signatures["every_kind"]
    needed = {"amount": 1.0, "grid": range(6)}
    assert {feature.name for feature in PARSED_KINDS if feature.required} == needed.keys()
    assert parse(examples=tf.constant([example(**needed)]))["output_0"].numpy() == [1.0]
    for missing in needed:
        rest = {name: value for name, value in needed.items() if name != missing}
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{missing} .*is required"):
            parse(examples=tf.constant([example(**rest)]))


def classic_graph() -> GraphDef:
    """Parses x as TensorFlow 1 does: examples:0, through a parser named `parse`, to scores:0."""
    with tf.Graph().as_default() as graph:
        examples = tf.compat.v1.placeholder(tf.string, [None], name="examples")
        parsed = tf.compat.v1.parse_example(examples, X_SPEC, name="parse")["x"]
        tf.identity(parsed, name="scores")
    return graph.as_graph_def()


def parser(graph: GraphDef) -> Any:
    return next(node for node in graph.node if node.op == "ParseExampleV2")


def key(graph: GraphDef) -> Any:
    name = parser(graph).input[3]
    return next(node for node in graph.node if node.name == name)


def told(graph: GraphDef) -> Features:
    return parsed_features(Graph(graph), ["examples:0"], ["scores:0"])


def test_a_signature_that_takes_what_another_parses() -> None:
    graph = classic_graph()
    assert told(graph) == (X,)
    parsed = f"{parser(graph).name}:0"
    assert parsed_features(Graph(graph), [parsed], ["scores:0"]) is None
    assert parsed_features(Graph(graph), [parsed, "examples:0"], ["scores:0"]) is None


def lacks_a_node(graph: GraphDef) -> None:
    key(graph).name = "elsewhere"


def lacks_a_function(graph: GraphDef) -> None:
    graph.node.add(name="call", op="PartitionedCall").attr["f"].func.name = "elsewhere"
    parser(graph).input.append("^call")


def lacks_inputs(graph: GraphDef) -> None:
    del parser(graph).input[:]


def lacks_a_default(graph: GraphDef) -> None:
    parser(graph).input.pop()


def lacks_a_shape(graph: GraphDef) -> None:
    parser(graph).attr["dense_shapes"].list.shape.pop()


def lacks_names(graph: GraphDef) -> None:
    key(graph).attr["value"].tensor.string_val.pop()


def has_a_name_that_is_no_text(graph: GraphDef) -> None:
    key(graph).attr["value"].tensor.string_val[0] = b"\xff"


def has_a_type_that_is_none_of_an_examples(graph: GraphDef) -> None:
    parser(graph).attr["Tdense"].list.type[0] = DT_INT32


def is_empty(graph: GraphDef) -> None:
    graph.Clear()


@pytest.mark.parametrize(
    "spoil",
    [
        lacks_a_node,
        lacks_a_function,
        lacks_inputs,
        lacks_a_default,
        lacks_a_shape,
        lacks_names,
        has_a_name_that_is_no_text,
        has_a_type_that_is_none_of_an_examples,
        is_empty,
    ],
)
def test_a_broken_graph_tells_nothing(spoil: Callable[[GraphDef], None]) -> None:
    graph = classic_graph()
    spoil(graph)
    assert told(graph) is None
