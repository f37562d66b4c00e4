from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streaming.models.predictions import outputs
from streaming.models.service import UnfitInstanceError
from streaming.predictors import ModelOutputError
from streaming.wiring import Output

SCORE = Output("score", "score", pa.float64())
COUNT = Output("count", "count", pa.int64())
LABEL = Output("label", "label", pa.string())
HIGH = Output("high", "high", pa.bool_())
VECTOR = Output("vector", "vector", pa.list_(pa.float64()))
LABELS = Output("labels", "labels", pa.list_(pa.string()))


def refusals(predictions: list[Any], *wanted: Output) -> dict[int, tuple[type[Exception], str]]:
    return {row: (type(error), str(error)) for row, error in outputs(predictions, wanted).unanswered.items()}


@pytest.mark.parametrize(
    ("output", "predictions", "values"),
    [
        (SCORE, [0.5, 2], np.array([0.5, 2.0])),
        (SCORE, [[0.5], [2]], np.array([0.5, 2.0])),
        (SCORE, [2**60, float("-inf")], np.array([2.0**60, -np.inf])),
        (COUNT, [3, 3.0, -0.0, 2**63 - 1], np.array([3, 3, 0, 2**63 - 1])),
        (HIGH, [True, [False]], np.array([True, False])),
        (LABEL, ["a", "é", {"b64": "w6k="}], np.array(["a", "é", "é"], object)),
        (VECTOR, [[0.5, 1], [2.5, 3.5]], np.array([[0.5, 1.0], [2.5, 3.5]])),
        (VECTOR, [[0.5]], np.array([[0.5]])),
        (VECTOR, [[], []], np.zeros((2, 0))),
        (LABELS, [["a", {"b64": "Yg=="}]], np.array([["a", "b"]], object)),
    ],
)
def test_bare_predictions_are_the_values_of_the_only_output(
    output: Output, predictions: list[Any], values: np.ndarray
) -> None:
    answered = outputs(predictions, [output])

    assert answered.unanswered == {}
    assert list(answered.values) == [output.name]
    assert answered.values[output.name].dtype == values.dtype
    np.testing.assert_array_equal(answered.values[output.name], values)


def test_a_nan_is_left_for_others_to_judge() -> None:
    np.testing.assert_array_equal(outputs([float("nan")], [SCORE]).values["score"], [np.nan])


def test_an_object_has_the_only_output_by_name_among_others() -> None:
    answered = outputs([{"score": 0.5, "more": 1}, {"score": [1.5]}], [SCORE])

    assert answered.unanswered == {}
    np.testing.assert_array_equal(answered.values["score"], [0.5, 1.5])


def test_several_outputs_are_taken_by_name() -> None:
    answered = outputs([{"score": 0.5, "vector": [1, 2]}, {"vector": [3, 4], "score": 1.5}], [SCORE, VECTOR])

    assert answered.unanswered == {}
    np.testing.assert_array_equal(answered.values["score"], [0.5, 1.5])
    np.testing.assert_array_equal(answered.values["vector"], [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("output", "prediction", "words"),
    [
        (SCORE, None, "the prediction is null"),
        (SCORE, {"error": "no\n such user"}, "the prediction is an error: no such user"),
        (SCORE, {"error": {"code": 3}}, 'the prediction is an error: {"code": 3}'),
        (SCORE, {"score": 0.5, "error": "stale"}, "the prediction is an error: stale"),
        (SCORE, {"other": 1, "also": 2}, 'the prediction has no output score, but ["also", "other"]'),
        (SCORE, {"score": None}, "output score is null, not FLOAT64"),
        (SCORE, "0.5", 'output score is "0.5", not FLOAT64'),
        (SCORE, True, "output score is true, not FLOAT64"),
        (SCORE, [0.5, 1.5], "output score is [0.5, 1.5], not FLOAT64"),
        (SCORE, [], "output score is [], not FLOAT64"),
        (SCORE, [[0.5]], "output score is [[0.5]], not FLOAT64"),
        (COUNT, 3.5, "output count is 3.5, not INT64"),
        (COUNT, True, "output count is true, not INT64"),
        (COUNT, 2**63, f"output count is {2**63}, not INT64"),
        (COUNT, 2.0**54, "output count is 1.8014398509481984e+16, not INT64"),
        (COUNT, float("nan"), "output count is NaN, not INT64"),
        (HIGH, 1, "output high is 1, not BOOL"),
        (LABEL, 1, "output label is 1, not STRING"),
        (LABEL, {"b64": "/w=="}, 'output label is {"b64": "/w=="}, not STRING'),
        (LABEL, {"b64": "!"}, 'output label is {"b64": "!"}, not STRING'),
        (LABEL, "\ud800", 'output label is "\\ud800", not STRING'),
        (VECTOR, 0.5, "output vector is 0.5, not a list of FLOAT64"),
        (VECTOR, [0.5, None], "output vector is [0.5, null], not a list of FLOAT64"),
        (LABELS, "ab", 'output labels is "ab", not a list of STRING'),
    ],
)
def test_a_prediction_that_does_not_fit_leaves_its_row_unanswered(output: Output, prediction: Any, words: str) -> None:
    assert refusals([prediction], output) == {0: (ModelOutputError, words)}


def test_a_number_beyond_any_double_leaves_its_row_unanswered() -> None:
    assert refusals([10**400], SCORE)[0][1].startswith("output score is 1000")


def test_of_several_outputs_a_bare_value_says_nothing() -> None:
    wrong = "the prediction is [0.5, 1], not an object of outputs"

    assert refusals([[0.5, 1]], SCORE, COUNT) == {0: (ModelOutputError, wrong)}


def test_a_missing_output_among_several_leaves_its_row_unanswered() -> None:
    wrong = 'the prediction has no output count, but ["score"]'

    assert refusals([{"score": 0.5}, {"score": 0.5, "count": 1}], SCORE, COUNT) == {0: (ModelOutputError, wrong)}


def test_an_output_may_itself_be_called_error() -> None:
    answered = outputs([{"error": 0.5}], [Output("error", "error", pa.float64())])

    assert answered.unanswered == {}
    np.testing.assert_array_equal(answered.values["error"], [0.5])


def test_a_service_may_name_no_error() -> None:
    assert refusals([{"score": 0.5, "error": None}], SCORE) == {}


def test_vectors_of_another_length_than_most_leave_their_rows_unanswered() -> None:
    answered = outputs([[1.0], [1.0, 2.0], [3.0, 4.0], [], [5.0, 6.0]], [VECTOR])

    assert {row: str(error) for row, error in answered.unanswered.items()} == {
        0: "output vector has 1 values, and 2 in other rows",
        3: "output vector has 0 values, and 2 in other rows",
    }
    np.testing.assert_array_equal(
        answered.values["vector"], [[0.0, 0.0], [1.0, 2.0], [3.0, 4.0], [0.0, 0.0], [5.0, 6.0]]
    )


def test_the_other_rows_keep_their_places() -> None:
    answered = outputs([{"score": 1, "label": "a"}, None, {"score": 3, "label": "c"}], [SCORE, LABEL])

    assert list(answered.unanswered) == [1]
    np.testing.assert_array_equal(answered.values["score"], [1.0, 0.0, 3.0])
    np.testing.assert_array_equal(answered.values["label"], np.array(["a", "", "c"], object))


def test_an_error_in_the_place_of_a_prediction_is_the_rows() -> None:
    unsent = UnfitInstanceError("too large")

    answered = outputs([unsent, 0.5], [SCORE])

    assert answered.unanswered == {0: unsent}
    np.testing.assert_array_equal(answered.values["score"], [0.0, 0.5])


@pytest.mark.parametrize(("output", "shape"), [(SCORE, (2,)), (VECTOR, (2, 0)), (LABEL, (2,)), (LABELS, (2, 0))])
def test_without_any_answer_there_are_blanks(output: Output, shape: tuple[int, ...]) -> None:
    answered = outputs([None, None], [output])

    assert list(answered.unanswered) == [0, 1]
    assert answered.values[output.name].shape == shape
