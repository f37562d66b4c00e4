"""The one answer to a call that went out as several requests."""

from streaming.refusals import Outcome, Refusal

FIRST, SECOND, THIRD = (Refusal(row, "FIELDS_ERROR", f"row {row}") for row in (1, 2, 3))


def test_without_requests_the_refusals_known_before_are_the_answer() -> None:
    assert Outcome(0, [SECOND, FIRST]).future.result(0) == [FIRST, SECOND]


def test_it_is_answered_by_its_last_request_with_all_refusals_in_row_order() -> None:
    outcome = Outcome(2, [THIRD])
    outcome.refuse([SECOND])
    outcome.answered()
    assert not outcome.future.done()
    outcome.refuse([FIRST])
    outcome.answered()
    assert outcome.future.result(0) == [FIRST, SECOND, THIRD]


def test_the_first_error_is_the_answer_whatever_comes_later() -> None:
    outcome, error = Outcome(3), ValueError("first")
    outcome.answered()
    outcome.failed(error)
    outcome.failed(ValueError("second"))
    outcome.answered()
    assert outcome.future.exception(0) is error


def test_what_is_on_its_way_cannot_be_cancelled() -> None:
    assert not Outcome(1).future.cancel()
