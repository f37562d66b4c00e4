"""The whole score of a run without fault, and every kind of error planted in it: exactly that one is found."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from producers.scoring.scores import Came, Finding, Kind, Latency, Score, Sent, Series, Trace
from tests.score_cases import (
    AFTER_TIMES5,
    ANSWERED,
    ENDED,
    STAGE_DECODE,
    START,
    TIMES5,
    Rows,
    answer,
    answers,
    contract,
    letter,
    letters,
    message,
    of,
    row,
    rows,
    scored,
    truth,
)


def seconds(*numbers: int) -> list[float]:
    return [float(numbers.count(second)) for second in range(9)]


def trace(number: int, other: int, model: str, factor: float) -> Trace:
    values = [factor * number, factor * other]
    times = [START + timedelta(seconds=each, milliseconds=-500) for each in (number, other)]
    return Trace(f"device-{number % 2}", model, "prediction", "run offline", times, values, values)


def test_a_run_without_fault_is_scored_whole() -> None:
    came = {"times10": 4, "times5": 4}
    assert scored(rows(), letters(), rows()) == Score(
        sent=Sent(
            topic="projects/p/topics/t",
            scenario="scenario.yaml",
            seed=1,
            started_at=START,
            ended_at=ENDED,
            confirmed=7,
            unknown=1,
            refused=1,
            faults={"late": 1, "out_of_range_event_time": 1, "poison": 1, "truncated": 1},
            ending="completed",
        ),
        came=[Came("table", came), Came("messages", came)],
        wrong={},
        findings=[],
        dead_letters={
            ("decode", "AvroError"): 1,
            ("event_time", "OddError"): 1,
            ("infer:times10", "OddError"): 1,
            ("infer:times5", "OddError"): 1,
        },
        latency=Latency(
            dict.fromkeys((50.0, 90.0, 95.0, 99.0, 99.9, 100.0), 0.1), [0.1, pytest.approx(0.1 * 10**0.1)], [8]
        ),
        series=Series(
            START,
            1.0,
            published=seconds(0, 1, 2, 3, 4, 5, 8),
            predicted=seconds(*ANSWERED, *ANSWERED),
            dead_letters=seconds(2, 3, 4, 4),
        ),
        quality=[],
        traces=[
            trace(0, 8, "times5", 50.0),
            trace(0, 8, "times10", 100.0),
            trace(1, 5, "times5", 50.0),
            trace(1, 5, "times10", 100.0),
        ],
    )


def changed(number: int, model: str, **columns: Any) -> Callable[[], tuple[Rows, Rows]]:
    """All is well but for some columns of one row of the table."""

    def made() -> tuple[Rows, Rows]:
        return [each | columns if of(each, number, model) else each for each in rows()], letters()

    return made


def with_row(number: int, model: str, /, **columns: Any) -> Callable[[], tuple[Rows, Rows]]:
    return lambda: ([*rows(), row(number, model, **columns)], letters())


def without_rows(number: int, model: str | None = None) -> Callable[[], tuple[Rows, Rows]]:
    return lambda: ([each for each in rows() if not of(each, number, model)], letters())


def with_letter(number: int, stage: str, **columns: Any) -> Callable[[], tuple[Rows, Rows]]:
    return lambda: (rows(), [*letters(), letter(number, stage, **columns)])


def letter_instead(number: int, stage: str, **columns: Any) -> Callable[[], tuple[Rows, Rows]]:
    def made() -> tuple[Rows, Rows]:
        others = [each for each in letters() if not of(each, number)]
        return [each for each in rows() if not of(each, number)], [*others, letter(number, stage, **columns)]

    return made


def without_letter(number: int, model: str | None = None, *instead: str) -> Callable[[], tuple[Rows, Rows]]:
    def made() -> tuple[Rows, Rows]:
        return (
            [*rows(), *(row(number, name) for name in instead)],
            [each for each in letters() if not of(each, number, model)],
        )

    return made


WRONG_TIME = START + timedelta(seconds=2)
PLANTED = {
    "lost": (without_rows(1, "times5"), Finding(Kind.LOST, "-", "m1", "times5")),
    "dead letter lost": (without_letter(2), Finding(Kind.LOST, "-", "m2", None, STAGE_DECODE)),
    "dead letter of a model lost": (
        without_letter(4, "times10"),
        Finding(Kind.LOST, "-", "m4", "times10", "the model must reject it"),
    ),
    "answered instead of a dead letter": (
        without_letter(2, None, "times5", "times10"),
        Finding(Kind.MISSING_DEAD_LETTER, "dead letters", "m2", None, f"{STAGE_DECODE}; answered by times5, times10"),
    ),
    "answered by the model that must reject": (
        without_letter(4, "times10", "times10"),
        Finding(Kind.MISSING_DEAD_LETTER, "dead letters", "m4", "times10", "the model must reject it"),
    ),
    "other prediction_id": (
        with_row(1, "times5", prediction_id="odd/times5"),
        Finding(Kind.OTHER_ID, "table", "m1", "times5", "odd/times5, not m1/times5"),
    ),
    "wrong prediction_id": (
        changed(1, "times5", prediction_id="m1/times10"),
        Finding(Kind.WRONG_ID, "table", "m1", "times5", "m1/times10, not m1/times5"),
    ),
    "wrong key": (
        changed(1, "times5", key="device-7"),
        Finding(Kind.WRONG_KEY, "table", "m1", "times5", "device-7, not device-1"),
    ),
    "no key": (
        changed(1, "times5", key=None),
        Finding(Kind.WRONG_KEY, "table", "m1", "times5", "None, not device-1"),
    ),
    "wrong event time": (
        changed(1, "times5", event_time=WRONG_TIME),
        Finding(
            Kind.WRONG_EVENT_TIME, "table", "m1", "times5", "2026-03-01T12:00:02Z, not 2026-03-01T12:00:00.500000Z"
        ),
    ),
    "wrong window": (
        changed(1, "times5", window_end=START + timedelta(seconds=30)),
        Finding(
            Kind.WRONG_WINDOW,
            "table",
            "m1",
            "times5",
            "2026-03-01T12:00:00Z to 2026-03-01T12:00:30Z, not 2026-03-01T12:00:00Z to 2026-03-01T12:01:00Z",
        ),
    ),
    "window that does not hold the event": (
        changed(1, "times5", window_start=START + timedelta(minutes=1), window_end=START + timedelta(minutes=2)),
        Finding(
            Kind.WRONG_WINDOW,
            "table",
            "m1",
            "times5",
            "2026-03-01T12:01:00Z to 2026-03-01T12:02:00Z, not 2026-03-01T12:00:00Z to 2026-03-01T12:01:00Z",
        ),
    ),
    "wrong prediction": (
        changed(1, "times5", prediction=50.01),
        Finding(Kind.WRONG_PREDICTION, "table", "m1", "times5", "prediction is 50.01, not 50.0"),
    ),
    "no prediction": (
        changed(1, "times5", prediction=None),
        Finding(Kind.WRONG_PREDICTION, "table", "m1", "times5", "prediction is None, not 50.0"),
    ),
    "answered beside its dead letter": (
        with_row(2, "times5"),
        Finding(Kind.UNEXPECTED_PREDICTION, "table", "m2", "times5", STAGE_DECODE),
    ),
    "answered beside the model's dead letter": (
        with_row(4, "times5"),
        Finding(Kind.UNEXPECTED_PREDICTION, "table", "m4", "times5", "the model must reject it"),
    ),
    "answered by another job's model": (
        with_row(1, "times5", model="times7", prediction_id="m1/times7"),
        Finding(Kind.UNEXPECTED_PREDICTION, "table", "m1", "times7", "the job has no such model"),
    ),
    "dead letter of the wrong stage": (
        letter_instead(2, "event_time", key=None),
        Finding(Kind.WRONG_STAGE, "dead letters", "m2", None, "event_time (words), not decode"),
    ),
    "dead letter before the models that must reject": (
        letter_instead(4, "decode"),
        Finding(Kind.WRONG_STAGE, "dead letters", "m4", None, "decode (words), not infer:times5 and infer:times10"),
    ),
    "dead letter instead of answers": (
        letter_instead(1, "to_example"),
        Finding(Kind.UNEXPECTED_DEAD_LETTER, "dead letters", "m1", None, "to_example (words)"),
    ),
    "dead letter beside answers": (
        with_letter(1, "publish", model="times5"),
        Finding(Kind.UNEXPECTED_DEAD_LETTER, "dead letters", "m1", "times5", "publish (words)"),
    ),
    "dead letter of the wrong key": (
        letter_instead(3, "event_time", key="device-7"),
        Finding(Kind.WRONG_KEY, "dead letters", "m3", None, "device-7, not device-1"),
    ),
    "dead letter of other bytes": (
        letter_instead(3, "event_time", payloadBytes=b"other"),
        Finding(Kind.WRONG_PAYLOAD, "dead letters", "m3", None, "5 bytes that begin 6f74686572; 9 were sent"),
    ),
    "row of an unknown message": (
        with_row(9, "times5", key="device-7", publish_time=START + timedelta(seconds=3)),
        Finding(Kind.NEVER_SENT, "table", "m9", "times5", "m9/times5"),
    ),
    "row of a refused message": (
        with_row(7, "times5"),
        Finding(Kind.NEVER_SENT, "table", "m7", "times5", "m7/times5"),
    ),
    "dead letter of an unknown message": (
        with_letter(9, "decode", timestamp=START + timedelta(seconds=3)),
        Finding(Kind.NEVER_SENT, "dead letters", "m9", None, "stage decode"),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_error_is_found_and_nothing_else(planted: str) -> None:
    made, finding = PLANTED[planted]
    score = scored(*made())
    assert (score.findings, score.wrong, score.ok) == ([finding], {finding.kind: 1}, False)


def test_what_is_in_the_table_and_not_among_the_messages_is_missing_there() -> None:
    score = scored(rows(), letters(), rows()[1:])
    assert score.findings == [Finding(Kind.MISSING_MESSAGE, "messages", "m0", "times5")]


def test_what_is_among_the_messages_and_not_in_the_table_is_lost_there() -> None:
    score = scored(rows()[1:], letters(), rows())
    assert score.findings == [Finding(Kind.LOST, "table", "m0", "times5", "it is among the output messages")]


def test_what_is_nowhere_is_lost_once() -> None:
    score = scored(rows()[1:], letters(), rows()[1:])
    assert score.findings == [Finding(Kind.LOST, "-", "m0", "times5")]


def test_an_error_among_the_messages_alone_is_told_of_them() -> None:
    score = scored(rows(), letters(), [*rows()[1:], row(0, "times5", key="odd")])
    assert score.findings == [Finding(Kind.WRONG_KEY, "messages", "m0", "times5", "odd, not device-0")]


def test_messages_alone_can_be_scored_without_dead_letters() -> None:
    assert scored(None, None, rows()).ok
    score = scored(None, None, [*rows(), row(2, "times5")])
    assert score.findings == [Finding(Kind.UNEXPECTED_PREDICTION, "messages", "m2", "times5", STAGE_DECODE)]


def test_an_unexpected_dead_letter_explains_the_models_that_come_after() -> None:
    job = contract(TIMES5, AFTER_TIMES5)
    table = [each for each in rows() if not of(each, 1)]
    score = scored(table, [*letters()[:3], letter(1, "infer:times5")], job=job)
    assert score.findings == [
        Finding(Kind.UNEXPECTED_DEAD_LETTER, "dead letters", "m1", "times5", "infer:times5 (words)")
    ]


def test_a_model_is_not_expected_to_reject_what_the_one_that_feeds_it_has_rejected() -> None:
    assert scored(rows(), letters()[:3], job=contract(TIMES5, AFTER_TIMES5)).ok


def test_a_model_is_not_to_answer_what_it_is_not_asked() -> None:
    offline = answers(*(answer(number, model) for number, model in ((1, "times5"), (1, "times10"), (5, "times5"))))
    sent = truth(message(1), message(5))
    table = [row(1, "times5"), row(1, "times10"), row(5, "times5")]
    assert scored(table, [], sent=sent, offline=offline).ok
    score = scored([*table, row(5, "times10")], [], sent=sent, offline=offline)
    assert score.findings == [
        Finding(Kind.UNEXPECTED_PREDICTION, "table", "m5", "times10", "the model is not to be asked")
    ]
