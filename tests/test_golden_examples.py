"""Golden examples against what SavedModels answer."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from streaming.batches import field_column
from streaming.models.golden import misses
from streaming.models.saved_model import SavedModel
from streaming.savedmodel.generations import Generation
from streaming.savedmodel.manifest import Golden
from streaming.wiring import FeatureColumn, ModelPlan, Output
from tests.builders import PREDICTION, plan, save_model

MANY = tuple(Output(name, name, pa.float64()) for name in ("scores", "label", "count", "high"))


def missed(
    directory: Path, *golden: Golden, outputs: tuple[Output, ...] = (PREDICTION,), tolerance: float = 1e-5
) -> list[str]:
    called = plan(outputs=outputs)
    generation = Generation("1", str(directory), golden=golden, tolerance=tolerance)
    return misses(SavedModel(called, generation.directory), called, generation)


def example(x: float, **outputs: Any) -> Golden:
    return Golden(features={"x": x}, outputs=outputs)


def test_a_model_that_answers_as_it_must(saved_models: Path) -> None:
    assert missed(saved_models / "times5", example(2.0, output_0=10.0), example(3, output_0=[15])) == []


def test_a_model_without_golden_examples(saved_models: Path) -> None:
    assert missed(saved_models / "times5") == []


def test_a_model_that_answers_something_else(saved_models: Path) -> None:
    examples = [example(0.3, output_0=1.5), example(2.0, output_0=11.0), example(0.02, output_0=0.2)]
    assert missed(saved_models / "times5", *examples) == [
        "golden example 2: output_0 is 10.0, not 11.0 within 1e-05",
        "golden example 3: output_0 is 0.099999994, not 0.2 within 1e-05",
    ]


@pytest.mark.parametrize(
    ("x", "expected", "tolerance", "close"),
    [
        (200.0, 1001.0, 1e-3, True),  # relatively
        (200.0, 1003.0, 1e-3, False),
        (0.0, 0.001, 1e-3, True),  # absolutely
        (0.0, 0.002, 1e-3, False),
        (2.0, 10.0, 0.0, True),
        (0.02, 0.1, 0.0, False),  # five times 0.02 in float32 is 0.099999994
    ],
)
def test_how_far_a_number_may_be_off(
    saved_models: Path, x: float, expected: float, tolerance: float, close: bool
) -> None:
    assert (missed(saved_models / "times5", example(x, output_0=expected), tolerance=tolerance) == []) is close


def test_outputs_of_every_type(saved_models: Path) -> None:
    right = example(4.0, scores=[4.0, 8.00001, 12.0], label="4.0", count=4, high=False)
    wrong = example(4.0, scores=[4.0, 8.1, 12.0], label="4", count=5, high=True)
    assert missed(saved_models / "many_outputs", right, wrong, outputs=MANY) == [
        "golden example 2: scores is [4.0, 8.0, 12.0], not [4.0, 8.1, 12.0] within 1e-05",
        "golden example 2: label is '4.0', not '4'",
        "golden example 2: count is 4, not 5",
        "golden example 2: high is False, not True",
    ]


def test_values_of_another_kind_or_number(saved_models: Path) -> None:
    wrong = example(4.0, scores=[4.0, 8.0], label=["4.0", "4.0"], count="4", high="False")
    assert missed(saved_models / "many_outputs", wrong, example(4.0, scores="4.0"), outputs=MANY) == [
        "golden example 1: scores is [4.0, 8.0, 12.0], not [4.0, 8.0] within 1e-05",
        "golden example 1: label is ['4.0'], not ['4.0', '4.0']",
        "golden example 1: count is 4, not '4'",
        "golden example 1: high is False, not 'False'",
        "golden example 2: scores is [4.0, 8.0, 12.0], not '4.0' within 1e-05",
    ]


def test_an_answer_that_is_no_number(saved_models: Path) -> None:
    assert missed(saved_models / "root", example(4.0, output_0=2.0), example(-1.0, output_0=1.0)) == [
        "golden example 2: output_0 is nan, not 1.0 within 1e-05"
    ]


def test_no_answer(saved_models: Path) -> None:
    assert missed(saved_models / "dropping", example(1.0, output_0=1.0), example(-1.0, output_0=-1.0)) == [
        "golden example 2: output_0 is [], not -1.0 within 1e-05"
    ]


def test_a_model_that_raises(saved_models: Path) -> None:
    first, second = missed(saved_models / "picky", example(13.0, output_0=13.0), example(1.0, output_0=2.0))
    assert first.startswith("golden example 1: assertion failed: [no 13.0] ")
    assert "\n" not in first
    assert second == "golden example 2: output_0 is 1.0, not 2.0 within 1e-05"


def test_names_that_nobody_knows(saved_models: Path) -> None:
    unknown = Golden(features={"y": 1.0}, outputs={"output_0": 5.0})
    assert missed(saved_models / "times5", unknown, example(1.0, output_1=5.0)) == [
        "golden example 1: the model takes no feature y",
        "golden example 2: there is no output output_1, but output_0",
    ]


def test_a_value_that_does_not_fit_its_feature(saved_models: Path) -> None:
    (line,) = missed(saved_models / "times5", Golden(features={"x": "two"}, outputs={"output_0": 10.0}))
    assert line.startswith("golden example 1: a value does not fit its feature: ")


def test_a_feature_that_is_left_out(tmp_path: Path) -> None:
    save_model(tmp_path / "m", lambda x: {"output_0": x})
    (line,) = missed(tmp_path / "m", Golden(features={}, outputs={"output_0": 10.0}))
    assert line.startswith("golden example 1: ")
    assert "x (data type: float) is required but could not be found" in line


def test_a_feature_that_an_earlier_model_fills(saved_models: Path) -> None:
    fed = FeatureColumn("x", field_column("m"), pa.float64(), output="score")
    called: ModelPlan = plan(features=[fed])
    generation = Generation("1", str(saved_models / "times5"), golden=(example(2.0, output_0=10.0),))
    assert misses(SavedModel(called, generation.directory), called, generation) == []
