"""The account finds each kind of error where it was planted, and nothing else."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producers.accounts import CASCADE, PARALLEL, Finding, Findings, Kind, Multipliers, Sample, check
from producers.readings import Account, Inputs, Reading, Refused

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = START - timedelta(seconds=60)

Table = list[dict[str, Any]]
Plant = Callable[[Table, Table], object]


def account() -> Account:
    return Account(
        {
            "good": Reading(0, b"0", Inputs("a", START, 105.0)),
            "garbled": Reading(1, b"1", Refused("decode")),
            "old": Reading(2, b"", Refused("event_time", "b")),
            "nan": Reading(3, b"3", Inputs("c", START, math.nan)),
            "other": Reading(4, b"4", Inputs("b", START, 1000.0)),
        }
    )


def row(message_id: str, model: str, prediction: float) -> dict[str, Any]:
    return {
        "prediction_id": f"{message_id}/{model}",
        "key": {"good": "a", "other": "b"}[message_id],
        "message_id": message_id,
        "event_time": START,
        "publish_time": START + timedelta(seconds=1),
        "read_at": START + timedelta(seconds=1),
        "window_start": START,
        "window_end": START + timedelta(seconds=60),
        "model": model,
        "model_version": "1",
        "model_fingerprint": "f",
        "prediction": prediction,
        "processed_at": START + timedelta(seconds=1, milliseconds=prediction // 100),
        "batch_size": 5,
        "job_hash": "j",
    }


def letter(message_id: str, stage: str, model: str | None) -> dict[str, Any]:
    return {
        "timestamp": START,
        "payloadString": "",
        "payloadBytes": {"garbled": b"1", "old": None, "nan": b"3", "good": b"0"}[message_id],
        "attributes": [],
        "errorMessage": "why",
        "stacktrace": None,
        "stage": stage,
        "error_class": "Bad",
        "message_id": message_id,
        "key": {"garbled": None, "old": "b", "nan": "c", "good": "a"}[message_id],
        "model": model,
        "job_name": "job",
    }


def rows() -> Table:
    return [
        row("good", "times5", 525.2),
        row("good", "times10", 1050.0),
        row("other", "times5", 5000.0),
        row("other", "times10", 10000.0),
    ]


def letters() -> Table:
    return [
        letter("garbled", "decode", None),
        letter("old", "event_time", None),
        letter("nan", "infer:times5", "times5"),
        letter("nan", "infer:times10", "times10"),
    ]


def find(plant: Plant, models: Multipliers = PARALLEL) -> Findings:
    table, dead = rows(), letters()
    plant(table, dead)
    return check(account(), table, dead, models)


def nothing(table: Table, dead: Table) -> None:
    """Plants no error."""


def change(position: int, **columns: Any) -> Plant:
    return lambda table, dead: table[position].update(columns)


def change_letter(position: int, **columns: Any) -> Plant:
    return lambda table, dead: dead[position].update(columns)


def add_row(message_id: str, model: str) -> Plant:
    return lambda table, dead: table.append(row("good", model, 0) | {"message_id": message_id})


def add_letter(message_id: str, stage: str, model: str | None) -> Plant:
    return lambda table, dead: dead.append(letter("good", stage, model) | {"message_id": message_id})


def drop(position: int) -> Plant:
    return lambda table, dead: table.pop(position)


def drop_letter(position: int) -> Plant:
    return lambda table, dead: dead.pop(position)


def both(*plants: Plant) -> Plant:
    def plant(table: Table, dead: Table) -> None:
        for each in plants:
            each(table, dead)

    return plant


SAMPLES = [
    Sample("a", 105.0, "times5", 525.2),
    Sample("a", 105.0, "times10", 1050.0),
    Sample("b", 1000.0, "times5", 5000.0),
    Sample("b", 1000.0, "times10", 10000.0),
]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert find(nothing) == Findings(
        wrong=[],
        messages=5,
        bad_messages=3,
        rows={"times5": 2, "times10": 2},
        dead_letters={(stage, "Bad"): 1 for stage in ("decode", "event_time", "infer:times5", "infer:times10")},
        repeated_rows=0,
        repeated_dead_letters=0,
        latencies={50: 0.010, 95: 0.1, 99: 0.1, 100: 0.1},
        samples=SAMPLES,
    )
    assert find(nothing).ok


PLANTED: dict[str, tuple[Plant, list[Finding]]] = {
    "a lost row": (drop(1), [Finding(Kind.LOST, "good", "times10")]),
    "a lost dead letter": (drop_letter(0), [Finding(Kind.LOST, "garbled")]),
    "a lost dead letter of a model": (drop_letter(2), [Finding(Kind.LOST, "nan", "times5")]),
    "a row of no message": (add_row("ghost", "times5"), [Finding(Kind.NEVER_PUBLISHED, "ghost", "times5")]),
    "a dead letter of no message": (
        add_letter("ghost", "decode", None),
        [Finding(Kind.NEVER_PUBLISHED, "ghost", None, "stage decode")],
    ),
    "a row instead of a dead letter": (
        both(drop_letter(0), add_row("garbled", "times5")),
        [Finding(Kind.UNEXPECTED_ROW, "garbled", "times5")],
    ),
    "a row instead of a model's dead letter": (
        both(drop_letter(2), add_row("nan", "times5")),
        [Finding(Kind.UNEXPECTED_ROW, "nan", "times5")],
    ),
    "a row beside a dead letter": (add_row("nan", "times10"), [Finding(Kind.UNEXPECTED_ROW, "nan", "times10")]),
    "a row of an unknown model": (add_row("good", "times7"), [Finding(Kind.UNEXPECTED_ROW, "good", "times7")]),
    "a dead letter instead of a row": (
        both(drop(0), add_letter("good", "infer:times5", "times5")),
        [Finding(Kind.UNEXPECTED_DEAD_LETTER, "good", "times5", "why (stage infer:times5)")],
    ),
    "a dead letter instead of all rows": (
        both(drop(0), drop(0), add_letter("good", "decode", None)),
        [Finding(Kind.UNEXPECTED_DEAD_LETTER, "good", None, "why (stage decode)")],
    ),
    "a dead letter beside a row": (
        add_letter("good", "write_table", "times5"),
        [Finding(Kind.UNEXPECTED_DEAD_LETTER, "good", "times5", "why (stage write_table)")],
    ),
    "a row with another id": (
        change(0, prediction_id="x/times5"),
        [Finding(Kind.WRONG_ID, "good", "times5", "x/times5, not good/times5")],
    ),
    "a row with another key": (change(0, key="b"), [Finding(Kind.WRONG_KEY, "good", "times5", "b, not a")]),
    "a dead letter with another key": (
        change_letter(2, key=None),
        [Finding(Kind.WRONG_KEY, "nan", "times5", "None, not c")],
    ),
    "a row of another time": (
        change(0, event_time=START + timedelta(seconds=1)),
        [Finding(Kind.WRONG_EVENT_TIME, "good", "times5", f"{START + timedelta(seconds=1)}, not {START}")],
    ),
    "a row whose window ends at its time": (
        change(0, window_start=BEFORE, window_end=START),
        [Finding(Kind.WRONG_WINDOW, "good", "times5", f"{BEFORE} to {START}, not around {START}")],
    ),
    "a row without a window": (
        change(0, window_end=None),
        [Finding(Kind.WRONG_WINDOW, "good", "times5", f"{START} to None, not around {START}")],
    ),
    "a prediction 0.11 % off": (
        change(0, prediction=525.58),
        [Finding(Kind.WRONG_PREDICTION, "good", "times5", "525.58, not 525.0")],
    ),
    "a prediction of null": (
        change(0, prediction=None),
        [Finding(Kind.WRONG_PREDICTION, "good", "times5", "None, not 525.0")],
    ),
    "a prediction of NaN": (
        change(0, prediction=math.nan),
        [Finding(Kind.WRONG_PREDICTION, "good", "times5", "nan, not 525.0")],
    ),
    "another stage of a message": (
        change_letter(0, stage="event_time"),
        [Finding(Kind.WRONG_STAGE, "garbled", None, "event_time, not decode")],
    ),
    "another stage of a model": (
        change_letter(3, stage="to_example"),
        [Finding(Kind.WRONG_STAGE, "nan", "times10", "to_example, not infer:times10")],
    ),
    "one stage for all models": (
        both(drop_letter(3), change_letter(2, stage="to_example", model=None)),
        [Finding(Kind.WRONG_STAGE, "nan", None, "to_example, not infer:times5 and infer:times10")],
    ),
    "other bytes": (
        change_letter(0, payloadBytes=b"9"),
        [Finding(Kind.WRONG_PAYLOAD, "garbled", None, "b'9', not b'1'")],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_found_and_nothing_else(name: str) -> None:
    plant, expected = PLANTED[name]
    findings = find(plant)
    assert findings.wrong == expected
    assert not findings.ok


def test_repetitions_are_counted_and_allowed() -> None:
    def repeat(table: Table, dead: Table) -> None:
        table += [dict(table[0]), dict(table[0]), dict(table[3])]
        dead.append(dict(dead[1]))

    findings = find(repeat)
    assert findings.ok
    assert (findings.repeated_rows, findings.repeated_dead_letters) == (3, 1)


def test_events_are_shown_and_are_of_no_message() -> None:
    event = letter("good", "generation", "times5") | {"message_id": None, "key": None, "payloadBytes": None}
    findings = find(lambda table, dead: dead.extend([event, event | {"errorMessage": "another"}]))
    assert findings.wrong == []
    assert findings.dead_letters == find(nothing).dead_letters | {("generation", "Bad"): 2}
    assert findings.repeated_dead_letters == 0


def test_every_repetition_is_checked() -> None:
    findings = find(lambda table, dead: table.append(table[0] | {"prediction": 1.0}))
    assert findings.wrong == [Finding(Kind.WRONG_PREDICTION, "good", "times5", "1.0, not 525.0")]
    assert findings.repeated_rows == 1


def cascade(table: Table, dead: Table) -> None:
    """Makes the tables those of the cascade: 50 times the value, and one dead letter of the NaN."""
    table[1]["prediction"], table[3]["prediction"] = 5250.0, 50000.0
    dead.pop(3)


def test_in_a_cascade_the_factors_multiply_and_one_model_rejects() -> None:
    assert find(cascade, CASCADE).ok
    assert [finding.kind for finding in find(nothing, CASCADE).wrong] == [
        Kind.WRONG_PREDICTION,
        Kind.WRONG_PREDICTION,
        Kind.UNEXPECTED_DEAD_LETTER,
    ]


def test_in_a_cascade_a_feeders_row_does_not_cover_a_lost_row() -> None:
    assert find(both(cascade, drop(1)), CASCADE).wrong == [Finding(Kind.LOST, "good", "times10")]


def test_in_a_cascade_a_feeders_dead_letter_covers_what_it_feeds() -> None:
    plant = both(cascade, drop(0), drop(0), add_letter("good", "infer:times5", "times5"))
    assert find(plant, CASCADE).wrong == [
        Finding(Kind.UNEXPECTED_DEAD_LETTER, "good", "times5", "why (stage infer:times5)")
    ]


def test_the_summary_says_what_went_in_and_what_came_out() -> None:
    assert find(nothing).lines() == [
        "messages      5, 3 of them bad",
        "rows          2 times10, 2 times5; 0 repeated",
        "dead letters  1 decode Bad, 1 event_time Bad, 1 infer:times10 Bad, 1 infer:times5 Bad; 0 repeated",
        "latency       p50 0.010 s, p95 0.100 s, p99 0.100 s, p100 0.100 s",
        "sample        a: 105 -> times5 525.2",
        "sample        a: 105 -> times10 1050",
        "sample        b: 1000 -> times5 5000",
        "sample        b: 1000 -> times10 10000",
        "wrong         nothing",
    ]


def test_the_summary_of_nothing_at_all() -> None:
    assert check(Account(), [], [], PARALLEL).lines() == [
        "messages      0, 0 of them bad",
        "rows          none; 0 repeated",
        "dead letters  none; 0 repeated",
        "latency       none",
        "wrong         nothing",
    ]


def test_the_summary_counts_what_is_wrong_and_shows_the_first() -> None:
    findings = find(both(drop(3), drop(2), change(0, key="b")))
    assert findings.lines(most=2)[-3:] == [
        "wrong         1 wrong key, 2 lost",
        "              wrong key: message good, model times5: b, not a",
        "              lost: message other, model times5",
    ]
