"""The nodes of a TensorFlow graph and of its functions, and what a tensor is made of; none of them is run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

_FIRST_INPUT_APART = frozenset({"If", "StatelessIf", "Case", "StatelessCase", "RemoteCall"})
"""The ops whose first input says which function, or where it runs. All other inputs are the function's arguments."""
_MOST_HANDS = 100
"""How often a constant may be handed on: far more than functions nest in a real graph, and an end to a cycle."""


class Place(NamedTuple):
    """A node, or an argument of a function, by the function whose body it is in: "" for the graph itself."""

    function: str
    name: str


@dataclass(frozen=True)
class _Body:
    """What the graph or a function is made of.

    Attributes:
        nodes: by name; None for an argument.
        arguments: their names, in order.
        results: the tensors it returns.
        effects: the nodes that run even if no result needs them.
    """

    nodes: Mapping[str, Any]
    arguments: Sequence[str] = ()
    results: Sequence[str] = ()
    effects: Sequence[str] = ()


class Graph:
    """The nodes of a `GraphDef` and of its functions: `bodies` by the function's name, "" for the graph's own."""

    def __init__(self, definition: Any) -> None:
        self.bodies = {function.signature.name: _body(function) for function in definition.library.function}
        self.bodies[""] = _Body({node.name: node for node in definition.node})

    def called(self, node: Any) -> list[str]:
        """The functions that `node` calls."""
        named = (function.name for value in node.attr.values() for function in (value.func, *value.list.func))
        own = [node.op] if node.op in self.bodies else []  # TensorFlow 1 makes an op of each function
        return own + [name for name in named if name]


def _body(function: Any) -> _Body:
    arguments = [argument.name for argument in function.signature.input_arg]
    nodes = dict.fromkeys(arguments) | {node.name: node for node in function.node_def}
    return _Body(nodes, arguments, list(function.ret.values()), list(function.control_ret.values()))


def places_of(function: str, tensors: Iterable[str]) -> list[Place]:
    """Where tensors are made: `name`, `name:0`, `name:output:0` or, for a control input, `^name`."""
    return [Place(function, tensor.removeprefix("^").partition(":")[0]) for tensor in tensors]


class Origin:
    """All that a signature's outputs are made of, up to its inputs: `nodes` by place, None for arguments.

    A function is looked at once, however often it is called: its arguments are those of all its calls.
    """

    def __init__(self, graph: Graph, inputs: Iterable[str], outputs: Iterable[str]) -> None:
        self._graph = graph
        self.inputs = frozenset(places_of("", inputs))
        self._given: dict[Place, set[Place]] = defaultdict(set)
        self.nodes: dict[Place, Any] = {}
        self._walk(places_of("", outputs))

    def _walk(self, ahead: list[Place]) -> None:
        """Finds the nodes. What an input is made of is not among them, for it does not run."""
        while ahead:
            place = ahead.pop()
            if place in self.nodes or place in self.inputs:
                continue
            self.nodes[place] = node = self._graph.bodies[place.function].nodes[place.name]
            if node is not None:
                ahead += places_of(place.function, node.input)
                ahead += self._enter(place, node)

    def _enter(self, place: Place, node: Any) -> Iterator[Place]:
        for function in self._graph.called(node):
            body = self._graph.bodies[function]
            given = self.data(place)[node.op in _FIRST_INPUT_APART :]
            for argument, source in zip(body.arguments, given, strict=False):
                self._given[Place(function, argument)].add(source)
            yield from places_of(function, (*body.results, *body.effects))

    def made_of(self, places: Iterable[Place]) -> set[Place]:
        """`places`, and all into which they go."""
        reached: set[Place] = set()
        ahead = list(places)
        while ahead:
            place = ahead.pop()
            if place not in reached:
                reached.add(place)
                ahead += self._consumers.get(place, ())
        return reached

    @cached_property
    def _consumers(self) -> dict[Place, list[Place]]:
        consumers: dict[Place, list[Place]] = defaultdict(list)
        for place in self.nodes:
            for source in self._sources(place):
                consumers[source].append(place)
        return consumers

    def _sources(self, place: Place) -> Iterable[Place]:
        """Whose data `place` is made of: a call of its functions' results, an argument of what the calls give it."""
        node = self.nodes[place]
        if node is None:
            return self._given[place]
        called = self._graph.called(node)
        results = [each for name in called for each in places_of(name, self._graph.bodies[name].results)]
        return results if called else self.data(place)

    def constant(self, place: Place) -> Any | None:
        """The constant tensor at `place`, or handed on to it; None if there is no such."""
        for _ in range(_MOST_HANDS):
            node = self.nodes.get(place)
            if node is not None and node.op == "Const":
                return node.attr["value"].tensor
            sources = self._handed(place)
            if len(sources) != 1:
                return None
            (place,) = sources
        return None

    def _handed(self, place: Place) -> Collection[Place]:
        """The places that hand on their tensors to `place` as they are."""
        node = self.nodes.get(place)
        if node is None:
            return self._given.get(place, ())
        return self.data(place) if node.op == "Identity" else ()

    def data(self, place: Place) -> list[Place]:
        """What `place` computes with, in the op's order."""
        tensors = self.nodes[place].input
        return places_of(place.function, (tensor for tensor in tensors if not tensor.startswith("^")))
