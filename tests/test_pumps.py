"""The pump fleet's models: trained for real on little history, once for all tests, and asked as a job asks them."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from producers.pumps import quality
from producers.pumps.history import Plant, history
from producers.pumps.inputs import AMBIENT, LABELS, PUMP_TYPES, READING, SENSORS
from producers.pumps.lessons import LESSONS, MODES
from producers.pumps.train import HELD_OUT, SCENARIO, TRAIN, Plan, fit, read_examples, train
from producers.scenario import load_scenario
from producers.scenario_fit import check_scenario
from producers.scoring.quality import risk_figures
from producers.target import target_of
from streaming.batches import Batch
from streaming.contract import check
from streaming.features import ToExamples
from streaming.inference import infer
from streaming.job import load_job
from streaming.models.saved_model import SavedModel
from streaming.wiring import Condition, Contract, Selection
from tests.builders import batch

LITTLE = Plan(
    learnt=Plant(seed=1, pumps=60, hours=600, every=6),
    held_out=Plant(seed=2, pumps=30, hours=600, every=6),
    epochs=8,
)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's directory, with models of its own."""
    directory = tmp_path_factory.mktemp("pumps") / "pumps"
    shutil.copytree(SCENARIO.parent, directory, ignore=shutil.ignore_patterns("models"))
    train(directory / "models", LITTLE)
    return directory


@pytest.fixture(scope="module")
def contract(example: Path) -> Contract:
    return check(load_job(str(example / "job.yaml")))


def plant_history(plant: Plant) -> pa.RecordBatch:
    return history(load_scenario(str(SCENARIO)), plant)


def readings(**changes: list[float | str | None]) -> Batch:
    """Readings of a healthy pump, as Decode gives them, but for some fields."""
    usual: dict[str, float | str] = {"pump_type": "PX-200", "operating_hours": 20.0, "flow_m3_h": 120.0}
    usual |= {"suction_pressure_bar": 1.8, "discharge_pressure_bar": 6.2, "vibration_mm_s": 2.1}
    usual |= {"bearing_temperature_c": 56.0, "motor_current_a": 42.0, "ambient_temperature_c": 19.0}
    rows = max((len(values) for values in changes.values()), default=1)
    return batch(rows, **{name: pa.array(changes.get(name, [value] * rows)) for name, value in usual.items()})


def answered(contract: Contract, taken: Batch) -> Batch:
    """The readings with every model's answers."""
    taken = ToExamples(contract.features)(taken)
    for plan in contract.models:
        taken = infer(taken, plan, SavedModel(plan, plan.call.path))
    return taken


def answers(of: Batch, model: str, output: str) -> list[float | str | None]:
    return [row and row[output] for row in of.rows.column(f"model:{model}").to_pylist()]


def test_the_trained_models_fit_the_job_file(contract: Contract) -> None:
    assert contract.output_columns == (
        pa.field("risk", pa.float64()),
        pa.field("remaining_hours", pa.float64()),
        pa.field("mode", pa.string()),
        pa.field("mode_probability", pa.float64()),
    )
    takes = {plan.name: plan.takes for plan in contract.models}
    risky = Condition("model:failure_risk", output="risk", above=0.5)
    assert takes["failure_risk"] == takes["remaining_life"] == Selection()
    assert takes["failure_mode"].conditions == (risky,)


@pytest.mark.parametrize("name", LESSONS)
def test_the_signature_takes_examples(example: Path, name: str) -> None:
    signature = tf.saved_model.load(str(example / "models" / name)).signatures["serving_default"]
    assert signature.structured_input_signature == ((), {"examples": tf.TensorSpec([None], tf.string, "examples")})
    outputs = {
        "failure_risk": {"probability": tf.float32},
        "remaining_life": {"hours": tf.float32},
        "failure_mode": {"mode": tf.string, "probability": tf.float32},
    }
    assert {each: spec.dtype for each, spec in signature.structured_outputs.items()} == outputs[name]
    assert all(spec.shape.as_list() == [None] for spec in signature.structured_outputs.values())


def test_a_type_of_pump_that_is_not_learnt_is_rejected_by_failure_risk_alone(contract: Contract) -> None:
    result = answered(contract, readings(pump_type=["PX-100", "PX-900", "PX-200", "PX-400", "PX-900", "PX-100"]))
    assert [failure["message_id"] for failure in result.failures.to_pylist()] == ["message-1", "message-4"]
    assert {(failure["stage"], failure["error_class"]) for failure in result.failures.to_pylist()} == {
        ("infer:failure_risk", "InvalidArgumentError")
    }
    assert (
        "pump_type is none of PX-100, PX-200, PX-400:] [PX-900]" in result.failures.column("error_message")[0].as_py()
    )
    risk, hours = answers(result, "failure_risk", "risk"), answers(result, "remaining_life", "remaining_hours")
    assert [row for row, value in enumerate(risk) if value is None] == [1, 4]
    assert hours == [hours[0]] * 6


def test_a_healthy_pump_is_no_risk_and_a_worn_one_is_asked_what_wears(contract: Contract) -> None:
    worn = {"operating_hours": 290.0, "vibration_mm_s": 6.4, "bearing_temperature_c": 77.0, "motor_current_a": 44.8}
    healthy = dict(zip(worn, (20.0, 2.1, 56.0, 42.0), strict=True))
    result = answered(contract, readings(**{name: [healthy[name], worn[name]] for name in worn}))
    low, high = answers(result, "failure_risk", "risk")
    assert low < 0.05
    assert high > 0.5
    long, short = answers(result, "remaining_life", "remaining_hours")
    assert 120 < long <= 150
    assert 0 <= short < 40
    assert answers(result, "failure_mode", "mode") == [None, "bearing_wear"]


def test_a_missing_ambient_temperature_is_done_without(contract: Contract) -> None:
    result = answered(contract, readings(ambient_temperature_c=[19.0, None]))
    assert result.failures.num_rows == 0
    known, missing = answers(result, "remaining_life", "remaining_hours")
    assert missing == pytest.approx(known, abs=10)


@pytest.mark.parametrize("name", ["scenario.yaml", "storm.yaml"])
def test_the_scenarios_fit_the_job(name: str) -> None:
    path = str(SCENARIO.with_name(name))
    scenario = load_scenario(path)
    assert scenario.job_path == str(SCENARIO.with_name("job.yaml"))
    check_scenario(scenario, path, target_of(load_job(scenario.job_path)))


def test_the_training_data_are_the_history(example: Path) -> None:
    expected = plant_history(LITTLE.learnt)
    parsed = tf.io.parse_example(read_examples(example / "models" / TRAIN), {**READING, **LABELS})
    for name in (*SENSORS, "hours_to_failure"):
        column = expected.column(name).cast(pa.float32(), safe=False).fill_null(np.nan)
        np.testing.assert_array_equal(parsed[name].numpy(), column.to_numpy())
    assert [mode.decode() for mode in parsed["mode"].numpy()] == expected.column("mode").to_pylist()
    assert 0.04 < np.isnan(parsed[AMBIENT].numpy()).mean() < 0.06


def test_the_held_out_history_is_of_other_pumps() -> None:
    learnt, held_out = plant_history(LITTLE.learnt), plant_history(LITTLE.held_out)
    assert (learnt.num_rows, held_out.num_rows) == (6000, 3000)
    assert not set(learnt.column("hours_to_failure").to_pylist()) & set(held_out.column("hours_to_failure").to_pylist())


@pytest.mark.parametrize("mode", MODES)
def test_wear_moves_the_sensors_of_its_mode(mode: str) -> None:
    scenario = load_scenario(str(SCENARIO))
    columns = history(scenario, Plant(seed=3, pumps=200, hours=1500, every=10)).to_pydict()
    wear, of_mode = np.array(columns["wear"]), np.array(columns["mode"]) == mode
    worn, healthy = of_mode & (wear > 0.8), of_mode & (wear == 0)
    for name in set(SENSORS) - {"operating_hours", AMBIENT}:
        values, signal = np.array(columns[name]), scenario.signals[name]
        moved = values[worn].mean() - values[healthy].mean()
        assert moved == pytest.approx(signal.wear.get(mode, 0.0) * wear[worn].mean(), abs=signal.spread)


def test_little_history_already_teaches_more_than_one_sensor(example: Path) -> None:
    examples = read_examples(example / "models" / HELD_OUT)
    parsed = tf.io.parse_example(examples, {**READING, **LABELS})
    fails = (parsed["hours_to_failure"].numpy() < 24).astype(float)
    risk = quality.answers(example / "models" / "failure_risk", examples)["probability"]
    vibration = parsed["vibration_mm_s"].numpy()
    assert risk_figures(risk, fails)["ROC AUC"] > 0.95 > risk_figures(vibration, fails)["ROC AUC"]


def test_the_report_has_a_table_for_each_model(example: Path) -> None:
    tables = quality.report(example / "models").split("\n\n")
    assert [table.partition(":")[0] for table in tables] == list(LESSONS)
    assert [len(table.splitlines()) for table in tables] == [6, 6, 4]


def test_the_same_history_gives_the_same_weights(example: Path) -> None:
    examples = read_examples(example / "models" / TRAIN)

    def weights() -> np.ndarray:
        net = fit(LESSONS["remaining_life"], examples, epochs=1)
        return np.concatenate([each.ravel() for each in net.get_weights()])

    np.testing.assert_allclose(weights(), weights(), rtol=1e-5, atol=1e-6)


def test_the_models_know_what_the_scenario_has() -> None:
    scenario = load_scenario(str(SCENARIO))
    assert scenario.fleet.life is not None
    assert set(MODES) == set(scenario.fleet.life.modes)
    assert {"pump_type", *SENSORS} == set(scenario.signals)
    assert set(PUMP_TYPES) == set(scenario.signals["pump_type"].choice or ())


def test_one_sensor_alone_says_the_mean_of_what_was_learnt_there() -> None:
    learnt = np.repeat([1.0, 2.0, 3.0], 100)
    target = np.where(learnt == 2, 10.0, 20.0)
    said = quality.by_one_sensor(learnt, target, np.array([0.0, 1.0, 2.0, 2.5, 3.0, 9.0]))
    np.testing.assert_array_equal(said, [20, 20, 10, 10, 20, 20])
