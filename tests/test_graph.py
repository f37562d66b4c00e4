"""What the outputs of a graph are made of: functions that TensorFlow has made, and graphs that it never would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.framework.function_pb2 import FunctionDef, FunctionDefLibrary
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.framework.op_def_pb2 import OpDef

from streaming.savedmodel.graph import Graph, Origin, Place, places_of

IDENTITIES = 5000
"""Far more than a stack has frames."""


def node(name: str, op: str, *inputs: str, **called: str) -> NodeDef:
    """A node; `called` are the attributes that name functions."""
    made = NodeDef(name=name, op=op, input=inputs)
    for attribute, function in called.items():
        made.attr[attribute].func.name = function
    return made


def constant(name: str, text: bytes) -> NodeDef:
    made = NodeDef(name=name, op="Const")
    made.attr["value"].tensor.string_val.append(text)
    return made


def function(
    name: str, arguments: Sequence[str], nodes: Sequence[NodeDef], results: Sequence[str], effects: Iterable[str] = ()
) -> FunctionDef:
    signature = OpDef(name=name, input_arg=[OpDef.ArgDef(name=argument) for argument in arguments])
    returned = {f"result_{number}": result for number, result in enumerate(results)}
    return FunctionDef(signature=signature, node_def=nodes, ret=returned, control_ret={each: each for each in effects})


def graph(nodes: Sequence[NodeDef], *functions: FunctionDef) -> Graph:
    return Graph(GraphDef(node=nodes, library=FunctionDefLibrary(function=functions)))


def origin(nodes: Sequence[NodeDef], *functions: FunctionDef) -> Origin:
    """Of the node `end`, as far back as the node `start`."""
    return Origin(graph(nodes, *functions), ["start:0"], ["end:0"])


def made_of_start(whole: Origin) -> set[Place]:
    return whole.made_of(whole.inputs)


def text(tensor: Any | None) -> bytes | None:
    return None if tensor is None else tensor.string_val[0]


@pytest.mark.parametrize("tensor", ["a/b", "a/b:0", "a/b:1", "a/b:output:0", "^a/b"])
def test_the_place_of_a_tensor_however_it_is_written(tensor: str) -> None:
    assert places_of("f", [tensor, "c"]) == [Place("f", "a/b"), Place("f", "c")]


def test_the_functions_that_a_node_calls() -> None:
    switch = node("switch", "Case")
    for branch in ("first", "second"):
        switch.attr["branches"].list.func.add().name = branch
    branches = node("branches", "If", then_branch="first", else_branch="second")
    own = node("own", "first")
    known = graph([], function("first", [], [], []), function("second", [], [], []))
    assert sorted(known.called(switch)) == sorted(known.called(branches)) == ["first", "second"]
    assert known.called(node("call", "PartitionedCall", f="second", g="")) == ["second"]
    assert (known.called(own), known.called(node("none", "Identity"))) == (["first"], [])


def test_what_an_input_is_made_of_is_not_looked_at() -> None:
    nodes = [node("before", "A"), node("start", "B", "before"), node("end", "C", "start")]
    whole = origin([*nodes, node("elsewhere", "D", "end")])
    assert whole.nodes == {Place("", "end"): nodes[2]}
    assert whole.inputs == {Place("", "start")}


def test_an_output_that_is_an_input_is_made_of_nothing() -> None:
    start = node("start", "A")
    whole = Origin(graph([start]), ["start:0"], ["start:0"])
    assert (whole.nodes, made_of_start(whole)) == ({}, {Place("", "start")})


def test_what_runs_before_a_node_is_of_its_origin_but_not_what_it_is_made_of() -> None:
    nodes = [node("start", "A"), node("check", "B", "start"), node("own", "C"), node("end", "D", "own", "^check")]
    whole = origin(nodes)
    assert whole.nodes.keys() == {Place("", "end"), Place("", "own"), Place("", "check")}
    assert made_of_start(whole) == {Place("", "start"), Place("", "check")}
    assert whole.data(Place("", "end")) == [Place("", "own")]


@pytest.mark.parametrize(
    "call",
    [
        node("end", "PartitionedCall", "start", "other", f="half"),
        node("end", "half", "start", "other"),
        node("end", "StatelessIf", "other", "start", "other", then_branch="half", else_branch="half"),
        node("end", "Case", "other", "start", "other", branches="half"),
    ],
)
def test_a_functions_arguments_are_what_its_call_gives_it(call: NodeDef) -> None:
    body = function("half", ["a", "b"], [node("of_a", "A", "a"), node("of_b", "B", "b")], ["of_a:o:0"], ["of_b"])
    whole = origin([node("start", "S"), node("other", "O"), call], body)
    places = [Place("", "end"), Place("", "other"), *(Place("half", name) for name in ("a", "b", "of_a", "of_b"))]
    assert whole.nodes.keys() == set(places)
    assert (whole.nodes[Place("half", "a")], whole.nodes[Place("half", "b")]) == (None, None)
    assert made_of_start(whole) == {Place("", "start"), Place("half", "a"), Place("half", "of_a"), Place("", "end")}


def test_a_call_is_not_made_of_what_its_function_makes_nothing_of() -> None:
    body = function("own", ["a"], [node("checked", "A", "a"), constant("text", b"x")], ["text:o:0"], ["checked"])
    whole = origin([node("start", "S"), node("end", "own", "start")], body)
    assert made_of_start(whole) == {Place("", "start"), Place("own", "a"), Place("own", "checked")}


def test_functions_that_call_each_other_for_ever() -> None:
    there = function("there", ["a"], [node("call", "back", "a")], ["call:o:0"])
    back = function("back", ["b"], [node("call", "there", "b")], ["call:o:0"])
    whole = origin([node("start", "S"), node("end", "there", "start")], there, back)
    assert whole.nodes.keys() == {
        Place("", "end"),
        *(Place("there", name) for name in ("a", "call")),
        *(Place("back", name) for name in ("b", "call")),
    }
    assert made_of_start(whole) == {Place("", "start"), Place("there", "a"), Place("back", "b")}


def test_a_graph_deeper_than_any_stack() -> None:
    chain = ["start", *(f"more_{depth}" for depth in range(IDENTITIES)), "end"]
    nodes = [node(name, "Identity", before) for before, name in zip(["nothing", *chain], chain, strict=False)]
    whole = origin(nodes)
    assert len(whole.nodes) == IDENTITIES + 1
    assert made_of_start(whole) == {Place("", name) for name in chain}


def test_a_constant_that_is_handed_on() -> None:
    body = function("inner", ["a"], [node("handed", "Identity", "a")], ["handed:o:0"])
    nodes = [constant("text", b"x"), node("handed", "Identity", "text", "^start"), node("end", "inner", "handed")]
    whole = origin([node("start", "S"), *nodes], body)
    handed = [Place("", "text"), Place("", "handed"), Place("inner", "a"), Place("inner", "handed")]
    assert [text(whole.constant(place)) for place in handed] == [b"x"] * 4


def test_what_is_no_constant() -> None:
    body = function("inner", ["a"], [node("same", "Identity", "a")], ["same:o:0"])
    nodes = [
        node("start", "S"),
        *(constant(name, name.encode()) for name in ("first", "second")),
        *(node(f"call_{name}", "inner", name) for name in ("first", "second")),
        node("computed", "StringLower", "first"),
        node("round", "Identity", "round"),
        node("end", "E", "start", "call_first", "call_second", "computed", "round"),
    ]
    whole = origin(nodes, body)
    several, lacking = Place("inner", "a"), Place("inner", "elsewhere")
    others = [Place("", name) for name in ("start", "computed", "round", "end")]
    assert [whole.constant(place) for place in [several, lacking, *others]] == [None] * 6


@pytest.mark.parametrize(
    "end",
    [
        node("end", "E", "elsewhere"),
        node("end", "E", "^elsewhere"),
        node("end", "PartitionedCall", f="elsewhere"),
    ],
)
def test_a_graph_that_lacks_a_node_or_a_function(end: NodeDef) -> None:
    with pytest.raises(KeyError, match="elsewhere"):
        origin([node("start", "S"), end])


# What TensorFlow makes of Python: `StringUpper`, `StringLower` and `StringStrip` tell where a call has got to.
PROBES = {"StringUpper", "StringLower", "StringStrip"}
upper, lower, strip = tf.strings.upper, tf.strings.lower, tf.strings.strip
upper_function = tf.function(upper)


@tf.function
def refuse_shouting(x: tf.Tensor) -> None:
    tf.debugging.assert_none_equal(x, upper(x))


def in_a_function(x: tf.Tensor) -> tf.Tensor:
    return lower(upper_function(x))


def one_by_one(x: tf.Tensor) -> tf.Tensor:
    return tf.map_fn(upper, x)


def either_branch(x: tf.Tensor) -> tf.Tensor:
    return strip(tf.cond(tf.size(x) > 1, lambda: upper(x), lambda: lower(x)))


def several_branches(x: tf.Tensor) -> tf.Tensor:
    return tf.switch_case(tf.size(x), [lambda: upper(x), lambda: lower(x), lambda: tf.constant(["z"])])


def to_choose_a_branch(x: tf.Tensor) -> tf.Tensor:
    return strip(tf.cond(upper(x)[0] == "X", lambda: tf.constant(["y"]), lambda: tf.constant(["z"])))


def for_nothing(x: tf.Tensor) -> tf.Tensor:
    upper(x)
    return lower(x)


def to_be_checked(x: tf.Tensor) -> tf.Tensor:
    tf.debugging.assert_none_equal(x, upper(x))
    return lower(x)


def checked_in_a_function(x: tf.Tensor) -> tf.Tensor:
    refuse_shouting(x)
    return lower(x)


def of_its_own(x: tf.Tensor) -> tf.Tensor:
    return tf.strings.join([lower(x), upper(tf.constant(["y"]))])


@pytest.mark.parametrize(
    ("python", "run", "made_of_x"),
    [
        (in_a_function, {"StringUpper", "StringLower"}, {"StringUpper", "StringLower"}),
        (one_by_one, {"StringUpper"}, {"StringUpper"}),
        (either_branch, PROBES, PROBES),
        (several_branches, {"StringUpper", "StringLower"}, {"StringUpper", "StringLower"}),
        (to_choose_a_branch, {"StringUpper", "StringStrip"}, {"StringUpper"}),
        (for_nothing, {"StringLower"}, {"StringLower"}),
        (to_be_checked, {"StringUpper", "StringLower"}, {"StringUpper", "StringLower"}),
        (checked_in_a_function, {"StringUpper", "StringLower"}, {"StringUpper", "StringLower"}),
        (of_its_own, {"StringUpper", "StringLower"}, {"StringLower"}),
    ],
)
def test_what_tensorflow_runs_and_makes_of_an_input(
    python: Callable[[tf.Tensor], tf.Tensor], run: set[str], made_of_x: set[str]
) -> None:
    whole = traced(python)
    ops = {place: node.op for place, node in whole.nodes.items() if node is not None and node.op in PROBES}
    assert set(ops.values()) == run
    assert {ops[place] for place in ops.keys() & made_of_start(whole)} == made_of_x


def test_a_constant_that_functions_in_a_function_share() -> None:
    def outer(x: tf.Tensor) -> tf.Tensor:
        text = tf.constant("text")
        inner = tf.function(lambda: tf.strings.join([x, tf.identity(text)]))
        return tf.function(lambda: tf.identity(inner()))()

    whole = traced(outer)
    (join,) = (place for place, node in whole.nodes.items() if node is not None and node.op == "StringJoin")
    assert [text(whole.constant(place)) for place in whole.data(join)] == [None, b"text"]


def traced(python: Callable[[tf.Tensor], tf.Tensor]) -> Origin:
    """The function as a graph; its input is x."""
    concrete = tf.function(python).get_concrete_function(tf.TensorSpec([None], tf.string, name="x"))
    whole = Graph(concrete.graph.as_graph_def())
    return Origin(whole, ["x:0"], [tensor.name for tensor in concrete.graph.outputs])
