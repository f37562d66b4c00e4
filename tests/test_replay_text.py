"""The summary as it is read: letters by their reason, totals, and what stays where it is."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console

from producers.replaying.letters import Letter
from producers.replaying.replay_summary import FailedAt, Summary
from producers.replaying.replay_text import render

NOW = datetime(2026, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)


def letter(message_id: str, model: str | None = None, words: str = "8 bytes\nare left", seconds: float = 0) -> Letter:
    stage, error_class = (f"infer:{model}", "ModelFailedError") if model else ("decode", "AvroError")
    return Letter(stage, error_class, words, model, message_id, NOW + timedelta(seconds=seconds), b"", {})


def shown(summary: Summary, *, dry_run: bool = False) -> list[str]:
    console = Console(width=60)
    with console.capture() as capture:
        console.print(render(summary, dry_run=dry_run), soft_wrap=True)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_letters_stand_by_their_reason_with_an_example() -> None:
    summary = Summary()
    summary.go([letter("2", "times5", "x" * 200), letter("1"), letter("3", seconds=-5), letter("4", seconds=60)])
    summary.messages = 3
    assert shown(summary) == [
        "decode  AvroError",
        "  3 dead letters from 2026-03-01T12:29:55Z to 2026-03-01T12:31:00Z",
        "  message 1: 8 bytes are left",
        "",
        "infer:times5  ModelFailedError",
        "  1 dead letter from 2026-03-01T12:30:00Z to 2026-03-01T12:30:00Z",
        f"  message 2: {'x' * 66}…",
        "",
        "3 messages published, of 4 dead letters.",
    ]


def test_a_model_is_named_where_the_stage_does_not() -> None:
    summary = Summary()
    summary.go([replace(letter("1", "times5"), stage="write_table")])
    assert shown(summary)[0] == "write_table, model times5  ModelFailedError"


def test_what_the_filters_leave_out_is_told_by_stage() -> None:
    summary = Summary(unwanted=Counter({FailedAt("infer:times5", "times5"): 40, FailedAt("decode", None): 80}))
    counts = ["  80 of stage decode", "  40 of stage infer:times5"]
    nothing = "0 messages published, of 0 dead letters."
    assert shown(summary) == [nothing, "Nothing matches; there are 120 dead letters:", *counts]
    summary.go([letter("1")])
    assert shown(summary)[-3:] == ["The filters leave out 120 dead letters:", *counts]


def test_what_stays_is_named_with_its_cause() -> None:
    summary = Summary(messages=1)
    summary.go([letter("1")])
    for number in range(6):
        summary.leave_out(letter(str(number)), "answered")
    for _ in range(2):
        summary.leave_out(letter("7"), "cut")
    summary.leave_out(letter(""), "of an event")
    summary.refuse(letter("8"), "MessageTooLarge: too large")
    assert shown(summary, dry_run=True)[4:] == [
        "1 message would be published, of 1 dead letter.",
        "1 dead letter refused by Pub/Sub: MessageTooLarge: too large (messages 8)",
        "6 dead letters left out: answered (messages 0, 1, 2, 3, 4, ...)",
        "2 dead letters left out: cut (messages 7)",
        "1 dead letter left out: of an event",
    ]


def test_nothing_found_is_said_without_a_table() -> None:
    summary = Summary()
    assert summary.is_empty
    assert shown(summary) == ["0 messages published, of 0 dead letters."]
