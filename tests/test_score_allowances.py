"""What a score allows and counts: repetitions, replays, doubtful and foreign messages, other generations."""

from datetime import timedelta

import pytest

from producers.scenario import QualityCheck
from producers.scoring.scores import EXAMPLES, Came, Finding, Kind, Latency
from streaming.job import EventTime
from tests.score_cases import (
    AFTER_TIMES5,
    ANSWERED,
    ENDED,
    IF_HIGH,
    SENT,
    STAGE_DECODE,
    START,
    TIMES5,
    UNSENT,
    answer,
    answers,
    contract,
    letter,
    letters,
    message,
    of,
    payload,
    row,
    rows,
    scored,
    truth,
)


def test_repeated_rows_and_dead_letters_are_counted_and_allowed() -> None:
    score = scored([*rows(), *rows()], [*letters(), *letters()])
    assert (score.ok, score.came[0], score.repeated_dead_letters) == (
        True,
        Came("table", {"times10": 4, "times5": 4}, repeated=8),
        4,
    )
    assert score.dead_letters[("decode", "AvroError")] == 1


def test_duplicates_share_the_id_that_they_declare() -> None:
    sent = truth(message(1, id="a"), message(2, id="a", fault="duplicated", duplicate_of=1))
    offline = answers(*(answer(number, "times5") for number in (1, 2)))
    job = contract(TIMES5)
    both = [row(number, "times5", prediction_id="a/times5") for number in (1, 2)]
    score = scored(both, [], sent=sent, job=job, offline=offline)
    assert (score.ok, score.came) == (True, [Came("table", {"times5": 1}, repeated=1)])
    score = scored(both[:1], [], sent=sent, job=job, offline=offline)
    assert score.findings == [Finding(Kind.LOST, "-", "m2", "times5")]


def test_answers_to_a_replay_are_allowed_beside_the_dead_letter() -> None:
    replayed = [
        row(2, model, message_id="again", prediction_id=f"m2/{model}", publish_time=START + timedelta(hours=1))
        for model in ("times5", "times10")
    ]
    score = scored([*rows(), *replayed], letters())
    assert (score.ok, score.came) == (True, [Came("table", {"times10": 5, "times5": 5}, replayed=2)])
    score = scored([*rows(), *replayed], letters()[1:])
    assert score.findings == [
        Finding(Kind.MISSING_DEAD_LETTER, "dead letters", "m2", None, f"{STAGE_DECODE}; answered by times5, times10")
    ]


def test_a_replay_that_answers_for_a_lost_message_makes_up_for_it() -> None:
    again = {"message_id": "again", "publish_time": START + timedelta(hours=1)}
    table = [each | again if of(each, 1, "times5") else each for each in rows()]
    score = scored(table, letters())
    assert (score.ok, score.came[0].replayed) == (True, 1)


def test_what_was_published_before_its_message_is_no_replay() -> None:
    table = [each | {"message_id": "odd"} if of(each, 1, "times5") else each for each in rows()]
    assert [(each.kind, each.message_id) for each in scored(table, letters()).findings] == [
        (Kind.LOST, "m1"),
        (Kind.NEVER_SENT, "odd"),
    ]


def test_the_rows_of_a_run_a_moment_before_or_after_are_foreign() -> None:
    before, after = (
        row(9, "times5", publish_time=at) for at in (START - timedelta(seconds=1), ENDED + timedelta(seconds=1))
    )
    score = scored([*rows(), before, after], letters())
    assert (score.ok, score.came[0].foreign) == (True, 2)


def test_the_dead_letter_of_a_replay_is_a_repetition_unless_its_stage_is_wrong() -> None:
    original = [{"key": "original_message_id", "value": "m2"}]
    again = letter(2, "decode", message_id="again", attributes=[{"key": "row", "value": "m1"}, *original])
    score = scored(rows(), [*letters(), again])
    assert (score.ok, score.repeated_dead_letters) == (True, 1)
    elsewhere = letter(2, "event_time", message_id="again", attributes=original)
    score = scored(rows(), [*letters(), elsewhere])
    assert score.findings == [
        Finding(Kind.WRONG_STAGE, "dead letters", "again", None, "event_time (words), not decode")
    ]


@pytest.mark.parametrize("number", [6, 8])
def test_rows_that_may_be_of_a_doubtful_message_are_counted(number: int) -> None:
    copies = [row(number, model, message_id="x", prediction_id=f"x/{model}") for model in ("times5", "times10")]
    score = scored([*rows(), *copies], letters())
    assert (score.ok, score.came) == (True, [Came("table", {"times10": 5, "times5": 5}, unconfirmed=2)])


def test_an_unknown_message_is_known_by_the_id_that_it_declares() -> None:
    sent = truth(message(1, id="a"), message(2, id="b", status="unknown", **UNSENT), message(3, id="c", attempts=2))
    offline = answers(*(answer(number, "times5") for number in (1, 3)))
    table = [row(number, "times5", prediction_id=f"{name}/times5") for number, name in ((1, "a"), (2, "b"), (3, "c"))]
    copy = table[2] | {"message_id": "copy"}
    score = scored([*table, copy], [], sent=sent, job=contract(TIMES5), offline=offline)
    assert (score.ok, score.came) == (True, [Came("table", {"times5": 3}, repeated=1, unconfirmed=2)])


def test_without_event_times_a_doubtful_message_is_known_by_its_key() -> None:
    table = [each | {"event_time": each["publish_time"], "window_start": START} for each in rows()]
    for each in table:
        each["window_end"] = START + timedelta(minutes=1)
    odd = row(6, "times5", message_id="x", prediction_id="x/times5", event_time=START, key="device-0")
    score = scored([*table, odd], letters(), job=contract(event_time=EventTime()))
    assert (score.ok, score.came[0].unconfirmed) == (True, 1)


def test_a_dead_letter_that_may_be_of_an_unknown_message_is_counted() -> None:
    score = scored(rows(), [*letters(), letter(6, "decode", message_id="x")])
    assert (score.ok, score.unconfirmed_dead_letters) == (True, 1)


def test_what_is_of_another_time_is_counted_as_foreign() -> None:
    late = ENDED + timedelta(minutes=2)
    stranger = row(9, "times5", publish_time=late)
    score = scored([*rows(), stranger], [*letters(), letter(9, "decode", timestamp=late)])
    assert (score.ok, score.came[0].foreign, score.foreign_dead_letters) == (True, 1, 1)
    assert score.came[0].predictions == {"times10": 4, "times5": 4}


def test_events_are_of_no_message() -> None:
    event = letter(9, "generation", message_id=None, key=None, model="times5")
    score = scored(rows(), [*letters(), event])
    assert (score.ok, score.events, len(score.dead_letters)) == (True, 1, 4)


def test_answers_of_another_generation_are_not_compared_nor_what_is_made_of_them() -> None:
    table = [each | {"prediction": -1.0} if of(each, 1) else each for each in rows()]
    table = [each | {"model_fingerprint": "f2"} if of(each, 1, "times5") else each for each in table]
    score = scored(table, letters()[:3], job=contract(TIMES5, AFTER_TIMES5))
    assert (score.ok, score.came[0].not_compared) == (True, 2)
    score = scored(table, letters())
    wrong = Finding(Kind.WRONG_PREDICTION, "table", "m1", "times10", "prediction is -1.0, not 100.0")
    assert (score.findings, score.came[0].not_compared) == ([wrong], 1)


def test_another_generation_may_route_a_message_otherwise() -> None:
    offline = answers(answer(1, "times5"), answer(5, "times5"), answer(5, "times10"))
    other = {"model_fingerprint": "f2"}
    table = [row(1, "times5", **other), row(1, "times10"), row(5, "times5", **other)]
    score = scored(table, [], sent=truth(message(1), message(5)), job=contract(TIMES5, IF_HIGH), offline=offline)
    assert (score.ok, score.came[0].not_compared) == (True, 2)


def test_without_a_fingerprint_predictions_are_compared() -> None:
    table = [each | {"model_fingerprint": None, "prediction": -1.0} if of(each, 1) else each for each in rows()]
    assert scored(table, letters()).wrong == {Kind.WRONG_PREDICTION: 2}


def test_what_fails_offline_and_should_not_is_not_compared() -> None:
    offline = answers(
        *(answer(number, model, rejected=number == 1) for number in ANSWERED for model in ("times5", "times10"))
    )
    score = scored(rows(), letters(), offline=offline)
    assert (score.ok, score.came[0].not_compared) == (True, 2)


def test_of_many_findings_a_few_are_kept_and_all_counted() -> None:
    sent = truth(*(message(number) for number in range(EXAMPLES + 5)))
    offline = answers(*(answer(number, "times5") for number in range(EXAMPLES + 5)))
    score = scored([], [], sent=sent, job=contract(TIMES5), offline=offline)
    assert score.wrong == {Kind.LOST: EXAMPLES + 5}
    assert score.findings == [Finding(Kind.LOST, "-", f"m{number}", "times5") for number in range(EXAMPLES)]
    assert (score.latency, score.traces) == (Latency({}, (), ()), [])


@pytest.mark.parametrize("status", [None, "refused"])
def test_where_nothing_was_sent_nothing_is_lost_and_everything_is_of_nothing(status: str | None) -> None:
    sent = truth(*([] if status is None else [message(number, status=status, **UNSENT) for number in range(3)]))
    offline = answers().slice(0, 0)
    assert scored([], [], [], sent=sent, offline=offline).ok
    assert scored(None, None, [], sent=sent, offline=offline).ok
    score = scored(rows(), letters(), rows(), sent=sent, offline=offline)
    assert score.wrong == {Kind.NEVER_SENT: 2 * len(rows()) + len(letters())}


def test_what_may_have_been_sent_may_be_missing() -> None:
    sent = truth(*(message(number, status="unknown", **UNSENT) for number in range(3)))
    assert scored([], [], sent=sent, offline=answers().slice(0, 0)).ok


def test_payloads_that_the_table_cuts_are_not_compared() -> None:
    sent = truth(message(1, stage="decode", payload_bytes=(4 << 20) + 1))
    table = letter(1, "decode", payloadBytes=payload(1)[:2])
    offline = answers().slice(0, 0)
    assert scored([], [table], sent=sent, offline=offline).ok


def test_quality_and_traces_hold_predictions_against_the_real_state() -> None:
    check = QualityCheck(model="times5", column="prediction", state="hours_to_failure", at_most=96.0)
    score = scored(rows(), letters(), sent=truth(*SENT, quality=(check,)))
    (quality,) = score.quality
    assert (quality.model, quality.state, quality.count) == ("times5", "hours_to_failure at most 96", 4)
    assert quality.figures["mean absolute error"] == pytest.approx((96 + 46 + 155 + 308) / 4)
    assert [(each.key, each.predicted, each.true) for each in score.traces] == [
        ("device-0", [0.0, 400.0], [96.0, 92.0]),
        ("device-1", [50.0, 250.0], [96.0, 95.0]),
    ]
