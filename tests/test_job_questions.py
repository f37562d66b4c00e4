"""A question that is not answered holds up no other look, and is not asked twice."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from streaming.dataflow.monitor.questions import STALE, Question
from streaming.errors import PermanentError
from streaming.monitoring.report import Missing


def look(question: Question[str], ask: object, seconds: float = 30) -> None:
    question.begin(ask)  # type: ignore[arg-type]
    question.take(time.monotonic() + seconds)


def refuse() -> str:
    raise PermanentError("cannot read it: no")


def test_an_answer_is_kept_with_its_time() -> None:
    question: Question[str] = Question("a service")
    before = datetime.now(UTC)
    look(question, lambda: "yes")
    assert (question.value, question.error, question.missing()) == ("yes", None, [])
    assert question.latest is not None
    assert before <= question.latest.at <= datetime.now(UTC)


def test_a_refusal_is_a_line_and_the_answer_before_it_stays_for_a_while() -> None:
    question: Question[str] = Question("a service")
    look(question, refuse)
    assert (question.value, question.missing()) == (None, [Missing("a service", "cannot read it: no")])
    look(question, lambda: "yes")
    look(question, refuse)
    assert question.latest is not None
    at = question.latest.at
    assert question.missing() == [Missing("a service", "cannot read it: no", at)]
    assert [question.recent(at + age) for age in (STALE, STALE + timedelta(seconds=1))] == ["yes", None]


def test_a_slow_answer_is_awaited_by_the_next_look_and_not_asked_for_again() -> None:
    question: Question[str] = Question("a service")
    go_on, asked = threading.Event(), []

    def ask() -> str:
        asked.append("")
        go_on.wait(30)
        return "late"

    look(question, ask, seconds=0)
    look(question, ask, seconds=30)  # it was too late before: nobody waits any more
    assert question.missing() == [Missing("a service", "no answer yet; it is waited for")]
    go_on.set()
    while question.value is None:
        question.take(time.monotonic())
    assert (question.value, len(asked), question.missing()) == ("late", 1, [])


def test_a_fault_of_the_program_is_no_service_that_is_missing() -> None:
    with pytest.raises(ZeroDivisionError):
        look(Question("a service"), lambda: 1 / 0)
