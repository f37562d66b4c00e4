"""The servers of the tests take calls, keep what they were asked, refuse as they are told and list in pages."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value

from tests.grpc_servers import Refusal, RefusingServer, page


class Sizes(RefusingServer):
    """Answers bytes with how many they are; more than ten million are too many."""

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self.answer("Size", request, context, _size),
            BytesValue.FromString,
            Int64Value.SerializeToString,
        )


def _size(request: BytesValue) -> Int64Value:
    if len(request.value) > 10_000_000:
        raise Refusal(grpc.StatusCode.OUT_OF_RANGE, "too many")
    return Int64Value(value=len(request.value))


def ask(server: Sizes, *sizes: int) -> list[Any]:
    """The answers; instead of one, the code and the words of its error."""
    with grpc.insecure_channel(server.host) as channel:
        call = channel.unary_unary("/sizes/Size", BytesValue.SerializeToString, Int64Value.FromString)
        answers: list[Any] = []
        for size in sizes:
            try:
                answers.append(call(BytesValue(value=bytes(size))).value)
            except grpc.RpcError as error:
                answers.append((error.code(), error.details()))
    return answers


def test_messages_of_any_size_are_answered_and_kept() -> None:
    with Sizes() as server:
        assert ask(server, 3, 9_000_000, 11_000_000) == [3, 9_000_000, (grpc.StatusCode.OUT_OF_RANGE, "too many")]
        assert [len(each.value) for each in server.asked(BytesValue)] == [3, 9_000_000, 11_000_000]
        assert server.asked(Int64Value) == []


def test_so_many_calls_of_a_method_are_refused_as_are_told() -> None:
    refusal = (grpc.StatusCode.UNAVAILABLE, "not now")
    with Sizes() as server:
        server.fail("Size", *refusal, times=2)
        server.fail("Other", *refusal)
        assert ask(server, 1, 2, 3) == [refusal, refusal, 3]
        assert [len(each.value) for each in server.requests] == [1, 2, 3]


@pytest.mark.parametrize(("token", "listed"), [("", ([1, 2], "2")), ("2", ([3, 4], "4")), ("4", ([5], ""))])
def test_a_page_names_the_next_one(token: str, listed: tuple[list[int], str]) -> None:
    assert page([1, 2, 3, 4, 5], token, size=2) == listed
