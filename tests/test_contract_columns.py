"""The columns that outputs fill: types, names, collisions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from streaming.wiring import Output
from tests.contract_cases import contract, job, mistakes, save

Shape = tuple[int | None, ...] | None
REMOTE = "url: http://h/v1/models/m"


@pytest.fixture(scope="module")
def cases(cases: Path) -> Path:
    save(cases / "any_rank", {"output_0": ("DOUBLE", None)})
    save(cases / "image", {"output_0": ("FLOAT", (None, 1)), "pixels": ("FLOAT", (None, 8, 8))})
    save(cases / "named", {"dense/BiasAdd:0": ("FLOAT", (None,)), "_PARTITIONDATE": ("FLOAT", (None,))})
    return cases


@pytest.mark.parametrize(
    ("dtype", "shape", "column"),
    [
        ("FLOAT", (None,), pa.float64()),
        ("FLOAT", (None, 1), pa.float64()),
        ("DOUBLE", None, pa.float64()),
        ("HALF", (None,), pa.float64()),
        ("BFLOAT16", (None,), pa.float64()),
        ("INT64", (None,), pa.int64()),
        ("UINT32", (None, 1), pa.int64()),
        ("BOOL", (None,), pa.bool_()),
        ("STRING", (None, 1), pa.string()),
        ("FLOAT", (None, 3), pa.list_(pa.float64())),
        ("STRING", (None, None), pa.list_(pa.string())),
        ("INT32", (None, 0), pa.list_(pa.int64())),
    ],
)
def test_the_column_type_of_an_output(
    tmp_path: Path, cases: Path, dtype: str, shape: Shape, column: pa.DataType
) -> None:
    save(tmp_path / "m", {"o": (dtype, shape)})
    assert contract(cases, job(f"m: {{path: {tmp_path}/m}}")).output_columns == (pa.field("o", column),)


@pytest.mark.parametrize(
    ("dtype", "shape", "shown"),
    [
        ("UINT64", (None,), "uint64[?]"),
        ("COMPLEX64", None, "complex64 of unknown rank"),
        ("FLOAT", (), "float32[]"),
        ("FLOAT", (1,), "float32[1]"),
        ("FLOAT", (8, 1), "float32[8, 1]"),
        ("FLOAT", (None, 2, 2), "float32[?, 2, 2]"),
    ],
)
def test_an_output_that_fits_no_column(tmp_path: Path, cases: Path, dtype: str, shape: Shape, shown: str) -> None:
    save(tmp_path / "m", {"o": (dtype, shape)})
    assert mistakes(cases, job(f"m: {{path: {tmp_path}/m}}")) == [
        f"models.m.outputs.o: {shown} fits no column; list only the outputs that you want under outputs"
    ]


def test_two_models_may_fill_one_column(cases: Path) -> None:
    checked = contract(cases, job("a: {path: m}, b: {path: m}, c: {path: labels, outputs: {scores: s}}"))
    assert checked.output_columns == (pa.field("output_0", pa.float64()), pa.field("s", pa.list_(pa.float64())))


def test_what_a_remote_model_declares(cases: Path) -> None:
    text = "t: {column: t, type: STRING, repeated: true}"
    declared = f"o: p, n: {{column: n, type: INT64}}, {text}, v: {{column: v, repeated: true}}"
    (plan,) = contract(cases, job(f"m: {{{REMOTE}, outputs: {{{declared}}}}}")).models
    assert plan.outputs == (
        Output("o", "p", pa.float64()),
        Output("n", "n", pa.int64()),
        Output("t", "t", pa.list_(pa.string())),
        Output("v", "v", pa.list_(pa.float64())),
    )


def test_a_declared_type_that_the_signature_has_too(cases: Path) -> None:
    declared = (
        "scores: {column: s, type: FLOAT64, repeated: true}, output_0: {column: l, type: STRING, repeated: false}"
    )
    (plan,) = contract(cases, job(f"m: {{path: labels, outputs: {{{declared}}}}}")).models
    assert plan.outputs == (Output("scores", "s", pa.list_(pa.float64())), Output("output_0", "l", pa.string()))


@pytest.mark.parametrize(
    ("models", "lines"),
    [
        (
            "m: {path: m, outputs: {output_1: p}}",
            ["models.m.outputs.output_1: the signature serving_default has no such output; did you mean output_0?"],
        ),
        (
            "m: {path: m, outputs: {scores: p}}",
            ["models.m.outputs.scores: the signature serving_default has no such output; there is output_0"],
        ),
        (
            "m: {path: image}",
            [
                "models.m.outputs.pixels: float32[?, 8, 8] fits no column; "
                "list only the outputs that you want under outputs"
            ],
        ),
        (
            "m: {path: m, outputs: {output_0: Model_Version}}",
            ["models.m.outputs.output_0: the column Model_Version is one of every table's own; name another"],
        ),
        (
            f"m: {{{REMOTE}, outputs: {{o: key}}}}",
            ["models.m.outputs.o: the column key is one of every table's own; name another"],
        ),
        (
            "m: {path: named}",
            [
                "models.m.outputs._PARTITIONDATE: column names like _PARTITIONDATE are BigQuery's own; name another",
                "models.m.outputs.dense/BiasAdd:0: 'dense/BiasAdd:0' is no column name; "
                "name a column under outputs, of letters, digits and _",
            ],
        ),
        (
            "a: {path: m, outputs: {output_0: p}}, b: {path: labels, outputs: {output_0: p}}",
            ["models.b.outputs.output_0: the column p (string) is a's p (double); name another"],
        ),
        (
            f"a: {{path: labels, outputs: {{output_0: p}}}}, b: {{{REMOTE}, outputs: {{o: p}}}}",
            ["models.b.outputs.o: the column p (double) is a's p (string); name another"],
        ),
        (
            "a: {path: m, outputs: {output_0: score}}, b: {path: m, outputs: {output_0: Score}}",
            ["models.b.outputs.output_0: the column Score and a's score differ only in case; name another"],
        ),
        (
            "m: {path: labels, outputs: {output_0: p, scores: P}}",
            ["models.m.outputs.scores: output_0 fills the column p already, and P differs only in case; name another"],
        ),
        (
            "m: {path: m, outputs: {output_0: {column: p, type: STRING}}}",
            ["models.m.outputs.output_0.type: the model gives FLOAT64, not STRING; remove it"],
        ),
        (
            "m: {path: m, outputs: {output_0: {column: p, type: FLOAT64, repeated: true}}}",
            ["models.m.outputs.output_0.repeated: the model gives a single value for each row; remove it"],
        ),
        (
            "m: {path: labels, outputs: {scores: {column: p, repeated: false}}}",
            ["models.m.outputs.scores.repeated: the model gives a vector for each row; remove it"],
        ),
    ],
)
def test_a_mistake_in_an_output(cases: Path, models: str, lines: list[str]) -> None:
    assert mistakes(cases, job(models)) == lines
