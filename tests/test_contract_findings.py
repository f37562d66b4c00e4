"""Mistakes are kept in the order in which they are found, each once; and what a wrong name may have been."""

from __future__ import annotations

import pytest

from streaming.contract.findings import Findings, hint
from streaming.errors import JobError, Mistakes


def refused(*lines: str) -> None:
    raise Mistakes(lines)


def test_each_mistake_is_kept_once_with_its_place() -> None:
    found = Findings()
    found.add("models.b.path", "no directory x; correct the path")
    found.add("", "--rate: 0; write another")
    found.add("models.a.path", "no directory x; correct the path")
    found.add("models.b.path", "no directory x; correct the path")
    assert found.lines == [
        "models.b.path: no directory x; correct the path",
        "--rate: 0; write another",
        "models.a.path: no directory x; correct the path",
    ]


def test_what_can_be_loaded_is_given_back() -> None:
    found = Findings()
    assert (found.tried(lambda: 0), found.lines) == (0, [])


def test_what_is_wrong_with_a_load_is_kept_line_by_line() -> None:
    found = Findings()
    assert found.tried(lambda: refused("a: wrong", "b: wrong")) is None
    assert found.tried(lambda: refused("b: wrong", "c: wrong"), "models.m") is None
    assert found.tried(lambda: refused("b: wrong")) is None
    assert found.lines == ["a: wrong", "b: wrong", "models.m: b: wrong", "models.m: c: wrong"]


def test_what_is_no_mistake_of_the_user_s_files_is_not_kept() -> None:
    found = Findings()

    def unanswered() -> None:
        raise JobError("the service does not answer")

    with pytest.raises(JobError, match=r"^the service does not answer$"):
        found.tried(unanswered)
    assert found.lines == []


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        ("vale", ["kind", "value"], "; did you mean value?"),
        ("colour", ["value", "kind", "value"], "; there is kind, value"),
        ("colour", [], ""),
        ("", ["value"], "; there is value"),
    ],
)
def test_a_hint(name: str, known: list[str], words: str) -> None:
    assert hint(name, iter(known)) == words
