"""The toy models, trained for real, once for all tests here."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from producers import multiply

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("multiply") / "models"
    multiply.main(["--output_dir", str(directory)])
    return directory


def predict(model: Path, values: ArrayLike) -> NDArray[np.float32]:
    """What the model answers, of shape [values, 1]."""
    examples = [
        tf.train.Example(
            features=tf.train.Features(feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[value]))})
        ).SerializeToString()
        for value in np.asarray(values)
    ]
    signature = tf.saved_model.load(str(model)).signatures["serving_default"]
    return np.asarray(signature(examples=tf.constant(examples))["output_0"])


@pytest.mark.parametrize(
    ("name", "expected"), [("times5", [525, 540, 5000, 5065]), ("times10", [1050, 1080, 10000, 10130])]
)
def test_the_models_multiply_the_articles_values(models: Path, name: str, expected: list[float]) -> None:
    np.testing.assert_allclose(predict(models / name, [105, 108, 1000, 1013])[:, 0], expected, rtol=TOLERANCE)


def test_the_cascade_multiplies_by_fifty(models: Path) -> None:
    first = predict(models / "times5", [105, 108, 1000, 1013])[:, 0]
    second = predict(models / "times10", first)[:, 0]
    np.testing.assert_allclose(second, [5250, 5400, 50000, 50650], rtol=TOLERANCE)


@pytest.mark.parametrize("name", multiply.FACTORS)
def test_the_models_hold_their_tolerance_over_the_whole_range(models: Path, name: str) -> None:
    values = np.linspace(1, multiply.LARGEST, 1999)
    expected = np.multiply(values, multiply.FACTORS[name])
    np.testing.assert_allclose(predict(models / name, values)[:, 0], expected, rtol=TOLERANCE)
    np.testing.assert_allclose(predict(models / name, [0])[:, 0], [0], atol=TOLERANCE)


@pytest.mark.parametrize("name", multiply.FACTORS)
def test_the_signature_takes_examples_and_gives_output_0(models: Path, name: str) -> None:
    signature = tf.saved_model.load(str(models / name)).signatures["serving_default"]
    assert signature.structured_input_signature == ((), {"examples": tf.TensorSpec([None], tf.string, "examples")})
    assert signature.structured_outputs == {"output_0": tf.TensorSpec([None, 1], tf.float32, "output_0")}


def test_the_training_data_are_examples_of_pairs(models: Path) -> None:
    records = tf.data.TFRecordDataset(str(models / "times5.tfrecord")).as_numpy_iterator()
    features = [tf.train.Example.FromString(record).features.feature for record in records]
    pairs = [(feature["x"].float_list.value[0], feature["y"].float_list.value[0]) for feature in features]
    assert pairs == [(x, 5 * x) for x in range(1001)]


def test_the_same_data_give_the_same_weights(models: Path) -> None:
    readings = (multiply.read_pairs(models / "times5.tfrecord") for _ in range(2))
    first, second = (np.concatenate([w.ravel() for w in multiply.fit(pairs).get_weights()]) for pairs in readings)
    np.testing.assert_array_equal(first, second)
