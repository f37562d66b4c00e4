"""The scenario file: what may stand in it, every mistake with its place, and how a command changes it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from producers.messages import Fault
from producers.scenario import Faults, Scenario, load_scenario, with_devices, with_rates
from streaming.errors import Mistakes

EXAMPLES = Path(__file__).parent.parent / "examples"
LATE = {"rate": 0.1, "by": ["1m", "2m"]}
LIFE = {"mean": "300h", "modes": {"seal": 1}}


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate({"job": "job.yaml", "signals": {"v": {"base": 1}}} | parts)


def mistakes(directory: Path, **parts: Any) -> list[str]:
    """What is said of a file with these keys, without the file's path."""
    path = directory / "scenario.yaml"
    path.write_text(yaml.safe_dump({"job": "job.yaml", "signals": {"v": {"base": 1}}} | parts, sort_keys=False))
    with pytest.raises(Mistakes) as caught:
        load_scenario(str(path))
    assert all(line.startswith(f"{path}: ") for line in caught.value.lines)
    return [line.removeprefix(f"{path}: ") for line in caught.value.lines]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/scenario.yaml")), ids=lambda path: path.parent.name)
def test_the_examples_are_right(path: Path) -> None:
    assert load_scenario(str(path)).job_path == str(path.parent / "job.yaml")


def test_the_shortest_scenario_has_ten_devices_and_no_faults(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("job: ../job.yaml\nsignals: {v: {base: 1}}\n")
    loaded = load_scenario(str(path))
    assert (loaded.job_path, loaded.fleet.devices, loaded.faults) == (str(tmp_path.parent / "job.yaml"), 10, Faults())


def test_paths_lie_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "job: gs://b/job.yaml\nsignals: {v: {base: 1}}\nfaults: {schema_change: {rate: 0.1, schema: new.avsc}}\n"
    )
    loaded = load_scenario(str(path))
    assert loaded.job_path == "gs://b/job.yaml"
    assert loaded.faults.schema_change is not None
    assert loaded.faults.schema_change.schema_path == str(tmp_path / "new.avsc")


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ({"fleet": {"devices": 0}}, ["fleet.devices: write 1 or more, not 0"]),
        ({"fleet": {"devices": 100_001}}, ["fleet.devices: write 100000 or less, not 100001"]),
        (
            {"fleet": {"names": "pump"}},
            ["fleet.names: write {} or {:04} once, where the device's number goes, not 'pump'"],
        ),
        (
            {"fleet": {"names": "{:s}"}},
            ["fleet.names: write {} or {:04} once, where the device's number goes, not '{:s}'"],
        ),
        ({"fleet": {"speed": 0}}, ["fleet.speed: write more than 0, not 0"]),
        ({"fleet": {"speed": float("inf")}}, ["fleet.speed: write a finite number, not inf"]),
        (
            {"fleet": {"joining": "2"}},
            ["fleet.joining: '2' is not a duration; write a number and ms, s, m, h or d, as in 60s"],
        ),
        (
            {"fleet": {"silence": {"every": "3s", "lasts": "3s"}}},
            ["fleet.silence: a silence and its burst are longer than every; make every longer"],
        ),
        ({"fleet": {"life": {"mean": "1h", "modes": {}}}}, ["fleet.life.modes: empty; fill it in"]),
        ({"fleet": {"life": LIFE | {"onset": 1}}}, ["fleet.life.onset: write less than 1, not 1"]),
        ({"fleet": {"life": LIFE | {"modes": {"a": 0}}}}, ["fleet.life.modes.a: write more than 0, not 0"]),
        ({"signals": {}}, ["signals: empty; fill it in"]),
        ({"signals": {"v": {}}}, ["signals.v: write one of base, uniform, choice and age"]),
        (
            {"signals": {"v": {"base": 1, "uniform": [1, 2]}}},
            ["signals.v: write one of base, uniform, choice and age, not base and uniform"],
        ),
        ({"signals": {"v": {"bases": 1}}}, ["signals.v.bases: unknown key; did you mean base?"]),
        (
            {"signals": {"v": {"uniform": [1]}}},
            ["signals.v.uniform: write two of them, as in [from, to], not [1]"],
        ),
        ({"signals": {"v": {"uniform": [2, 1]}}}, ["signals.v: uniform: the smaller number comes first"]),
        (
            {"signals": {"v": {"choice": {"a": 1}, "noise": 1, "missing": 0.5}}},
            ["signals.v: a choice is a text, which nothing changes; remove noise"],
        ),
        ({"signals": {"v": {"base": float("nan")}}}, ["signals.v.base: write a finite number, not nan"]),
        ({"signals": {"v": {"base": 1, "noise": -1}}}, ["signals.v.noise: write 0 or more, not -1"]),
        ({"faults": {"late": LATE | {"rate": 2}}}, ["faults.late.rate: write 1 or less, not 2"]),
        ({"faults": {"late": LATE | {"by": ["2m", "1m"]}}}, ["faults.late: the shorter duration comes first"]),
        ({"faults": {"lat": LATE}}, ["faults.lat: unknown key; did you mean late?"]),
        (
            {"faults": {"truncated": {"rate": 0.6}, "duplicated": {"rate": 0.6}}},
            ["faults: the rates add up to 1.2; a message has one fault at most, so make it 1 or less"],
        ),
        (
            {"faults": {"poison": {"rate": 0.1, "set": {}, "rejected_by": ["m"]}}},
            ["faults.poison.set: empty; fill it in"],
        ),
        (
            {
                "fleet": {"life": LIFE},
                "quality": [{"model": "m", "column": "c", "state": "wear", "below": 1, "at_most": 1}],
            },
            ["quality.0: write below for a risk or at_most for a quantity, not both"],
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, parts: dict[str, Any], lines: list[str]) -> None:
    assert mistakes(tmp_path, **parts) == lines


def test_all_that_does_not_fit_together_is_named(tmp_path: Path) -> None:
    signals = {"v": {"base": 1, "wear": {"seal": 1}}, "w": {"age": "h"}}
    quality = [{"model": "m", "column": "c", "state": "wear"}]
    assert mistakes(tmp_path, signals=signals, quality=quality) == [
        "signals.v.wear: no mode seal; the fleet has no life",
        "signals.w.age: the fleet has no life, so nothing is repaired; add fleet.life",
        "quality: the fleet has no life, so there is no real state to compare with; add fleet.life",
    ]


def test_a_mode_must_be_one_of_the_fleets(tmp_path: Path) -> None:
    signals = {"v": {"base": 1, "wear": {"sael": 1}}}
    life = LIFE | {"modes": {"seal": 1, "bearing": 2}}
    lines = mistakes(tmp_path, signals=signals, fleet={"life": life})
    assert lines == ["signals.v.wear: no mode sael; the fleet has the modes seal, bearing"]


def test_lives_are_not_over_at_once(tmp_path: Path) -> None:
    lines = mistakes(tmp_path, fleet={"speed": 4000, "life": LIFE | {"mean": "1h"}})
    assert lines == ["fleet.speed: a life is over in less than a second of the run; lower it, or make life.mean longer"]


def test_what_is_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("[]")
    with pytest.raises(Mistakes) as caught:
        load_scenario(str(path))
    assert caught.value.lines == (f"{path}: a scenario file is a mapping with job, fleet, signals and faults",)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        load_scenario(str(tmp_path / "s.yaml"))
    assert caught.value.lines == (f"--scenario: no file {tmp_path / 's.yaml'}; correct the path",)


def test_the_rates_are_those_of_the_faults_that_the_file_names() -> None:
    faults = scenario(faults={"late": LATE, "truncated": {"rate": 0.2}}).faults
    assert faults.rates() == {Fault.LATE: 0.1, Fault.TRUNCATED: 0.2}


def test_a_command_changes_rates_and_devices_alone() -> None:
    changed = with_devices(with_rates(scenario(faults={"late": LATE}), {Fault.LATE: 0.5, Fault.TRUNCATED: 0.25}), 3)
    assert changed.faults.rates() == {Fault.LATE: 0.5, Fault.TRUNCATED: 0.25}
    assert changed.faults.late is not None
    assert changed.faults.late.by == (timedelta(minutes=1), timedelta(minutes=2))
    assert (changed.fleet.devices, changed.signals) == (3, scenario().signals)
    assert with_rates(changed, {}, alone=True).faults == Faults()


def test_a_rate_of_zero_sets_a_fault_aside() -> None:
    faulty = scenario(faults={"late": LATE, "truncated": {"rate": 0.2}})
    assert with_rates(faulty, {Fault.LATE: 0.0, Fault.POISON: 0.0}).faults.rates() == {Fault.TRUNCATED: 0.2}


def test_a_fault_alone_is_as_the_scenario_describes_it() -> None:
    changed = with_rates(scenario(faults={"late": LATE, "truncated": {"rate": 0.2}}), {Fault.LATE: 1.0}, alone=True)
    assert changed.faults.rates() == {Fault.LATE: 1.0}
    assert changed.faults.late is not None
    assert changed.faults.late.by == (timedelta(minutes=1), timedelta(minutes=2))


@pytest.mark.parametrize(
    ("rates", "lines"),
    [
        (
            {Fault.CLOCK_SKEW: 0.1, Fault.LATE: 1.5, Fault.POISON: 0.1},
            (
                "--fault clock_skew: needs more than a rate; describe it in the scenario file",
                "--fault late: its rate is a share of all messages, from 0 to 1, not 1.5",
                "--fault poison: needs more than a rate; describe it in the scenario file",
            ),
        ),
        (
            {Fault.LATE: 0.75, Fault.TRUNCATED: 0.5},
            ("--fault: the rates add up to 1.25; make it 1 or less",),
        ),
        (
            {Fault.TRUNCATED: 1.0},
            (
                "--fault: with the scenario's other faults the rates add up to 1.1; "
                "lower them, or set others aside with --fault NAME=0, or all with --no-faults",
            ),
        ),
    ],
)
def test_rates_that_make_no_sense_are_refused(rates: dict[Fault, float], lines: tuple[str, ...]) -> None:
    with pytest.raises(Mistakes) as caught:
        with_rates(scenario(faults={"late": LATE}), rates)
    assert caught.value.lines == lines


@pytest.mark.parametrize("devices", [0, 100_001])
def test_fleets_are_of_one_to_a_hundred_thousand(devices: int) -> None:
    with pytest.raises(Mistakes) as caught:
        with_devices(scenario(), devices)
    assert caught.value.lines == (f"--devices: write 1 to 100000, not {devices}",)
