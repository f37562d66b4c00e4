"""The command `check` as its user sees it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from streaming.contract import check
from streaming.describe import describe
from streaming.job import load_job
from streaming.savedmodel.generations import fingerprint
from tests.cli_cases import Command, words


def test_check_shows_the_wiring(command: Command, job_file: str) -> None:
    code, out, err = command("check", job_file)
    assert (code, err) == (0, [])
    lines = words(out)
    directory = Path(job_file).parent
    assert lines[0].startswith(f"message: avro, {directory}/reading.avsc; key field device_id, id the")
    assert [line for line in lines if line.startswith(("needs", "gives", "prediction "))] == [
        "needs x: float32[1] from value: double",
        "gives output_0 column prediction: FLOAT64",
        "prediction FLOAT64 NULLABLE times5: output_0",
    ]
    assert lines[-1] == f"This job fits together; its job_hash is {load_job(job_file).hash}."


def test_check_prints_json_for_machines(command: Command, job_file: str) -> None:
    code, out, err = command("check", job_file, "--json")
    assert (code, err, json.loads("\n".join(out))) == (0, [], describe(check(load_job(job_file))))


def test_check_loads_the_models_on_request(command: Command, job_file: str, saved_models: Path) -> None:
    code, out, _ = command("check", job_file, "--json", "--load")
    (loaded,) = json.loads("\n".join(out))["loaded"]
    assert (code, loaded.pop("seconds") > 0) == (0, True)
    content = fingerprint(str(saved_models / "times5"))
    assert loaded == {
        "model": "times5",
        "generation": content,
        "fingerprint": content,
        "complaint": None,
        "wrong": None,
    }


def test_check_fails_where_a_model_cannot_be_loaded(command: Command, job_file: str, saved_models: Path) -> None:
    broken = Path(job_file).parent / "broken"
    shutil.copytree(saved_models / "times5", broken)
    (broken / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    text = Path(job_file).read_text().replace(f"{saved_models}/times5", "broken")
    Path(job_file).write_text(text)
    assert command("check", job_file).code == 0
    code, out, _ = command("check", job_file, "--load")
    assert code == 1
    assert words(out)[-1].startswith("This job fits together, but cannot be served: times5; its job_hash is")


def test_check_names_every_mistake(command: Command, job_file: str) -> None:
    broken = Path(job_file).with_name("broken.yaml")
    broken.write_text(Path(job_file).read_text().replace("x: value", "x: valu").replace("output_0", "output_1"))
    assert command("check", str(broken)) == (
        2,
        [],
        [
            "models.times5.outputs.output_1: the signature serving_default has no such output; did you mean output_0?",
            "features.x: the schema has no field 'valu'; did you mean value?",
        ],
    )
