"""The described job as a person reads it, and as a machine does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streaming.describe import Described
from streaming.show import show


def described(**more: Any) -> Described:
    """A job of one model, with names that rich would take for styles and emoji."""
    gets = {"name": "x[red]", "from": ":smile:", "type": "double", "nullable": True, "default": 1.5}
    vote = {"from": "m.s", "type": "INT64", "nullable": False, "default": None}
    job = {
        "job_hash": "0123456789abcdef",
        "format": "avro",
        "schema": "reading.avsc",
        "key": "attribute device",
        "id": "field serial",
        "event_time": "publish time",
        "window": "90s",
        "fields": [
            {"name": ":smile:", "type": "double", "nullable": True, "used": ["feature x[red]", "m: when"]},
            {"name": "serial", "type": "int64", "nullable": False, "used": []},
        ],
        "attributes": [{"name": "device", "used": ["key", "m: when"]}],
        "features": [gets],
        "models": [
            {
                "name": "m",
                "kind": "SavedModel",
                "path": "models/m",
                "generation": "12",
                "signatures": ["classify", "regress"],
                "takes": "examples",
                "rows": "where :smile: > 1",
                "inputs": [
                    {"name": "x[red]", "needs": "float32[1]", "gets": gets},
                    {"name": "y", "needs": "int64, any number", "gets": None},
                ],
                "outputs": [{"output": "classify.scores", "column": "s", "type": "FLOAT64", "mode": "REPEATED"}],
            },
            {
                "name": "far",
                "kind": "remote",
                "address": "http://models:8501/v1/models/far",
                "generation": None,
                "signatures": ["serving_default"],
                "takes": "tensors",
                "rows": "that no model with a when takes",
                "inputs": [],
                "outputs": [],
            },
            {
                "name": "mix",
                "kind": "ensemble",
                "method": "majority_vote",
                "rows": "all",
                "inputs": [{"name": "member", "needs": None, "gets": vote}],
                "outputs": [],
            },
        ],
        "table": [{"name": "s", "type": "FLOAT64", "mode": "REPEATED", "filled_by": ["m: classify.scores"]}],
    }
    return job | more


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is printed of a job, line by line without the padding at the right."""
    monkeypatch.setenv("COLUMNS", "120")

    def lines(job: Described, *, as_json: bool = False) -> list[str]:
        show(job, as_json=as_json)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    return lines


def test_every_field_wire_and_column_has_its_line(printed: Any) -> None:
    assert printed(described()) == [
        "message: avro, reading.avsc; key attribute device, id field serial, event time publish time, windows of 90s",
        "  field             type            used as",
        "  :smile:           double or null  feature x[red], m: when",
        "  serial            int64           not used",
        "  attribute device  string          key, m: when",
        "",
        "model m: SavedModel models/m, generation 12, classify and regress; "
        "takes tf.Examples of rows where :smile: > 1",
        "  needs  x[red]: float32[1]    from :smile:: double or null, 1.5 where null",
        "  needs  y: int64, any number  nothing: its own default",
        "  gives  classify.scores       column s: FLOAT64 REPEATED",
        "",
        "model far: remote http://models:8501/v1/models/far, serving_default; "
        "takes tensors of rows that no model with a when",
        "takes",
        "",
        "",
        "model mix: ensemble, majority vote; takes all rows",
        "  needs  member  from m.s: INT64",
        "",
        "table of predictions",
        "  column  type     mode      filled by",
        "  s       FLOAT64  REPEATED  m: classify.scores",
        "",
        "This job fits together; its job_hash is 0123456789abcdef.",
    ]


def test_the_models_as_they_were_loaded(printed: Any) -> None:
    good = {"model": "a", "generation": "2", "fingerprint": "ab", "seconds": 1.26, "complaint": None, "wrong": None}
    picky = good | {"model": "b", "complaint": "no zero"}
    broken = good | {"model": "c", "generation": None, "fingerprint": None, "seconds": 0.0, "wrong": "[broken]"}
    lines = printed(described(loaded=[good, picky, broken, broken | {"model": "d"}]))
    assert lines[-8:] == [
        "models as loaded",
        "  model  generation  fingerprint  seconds  asked",
        "  a      2           ab           1.3      answers a blank example",
        "  b      2           ab           1.3      no zero",
        "  c                               0.0      [broken]",
        "  d                               0.0      [broken]",
        "",
        "This job fits together, but cannot be served: c, d; its job_hash is 0123456789abcdef.",
    ]


def test_a_narrow_terminal_cuts_nothing_off(printed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    together = "".join(line.strip() for line in printed(described())).replace(" ", "")
    assert "http://models:8501/v1/models/far" in together
    assert "\u2026" not in together


def test_json_says_the_same(printed: Any) -> None:
    assert json.loads("\n".join(printed(described(), as_json=True))) == described()
