"""The contract: what a job that fits together becomes, and every way in which one does not."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from streaming.contract import check
from streaming.errors import Mistakes
from streaming.job import parse_job
from streaming.schema import load_schema
from streaming.wiring import Contract, FeatureColumn, ModelPlan, Output

FIELDS = {
    "device_id": "string",
    "time": {"type": "long", "logicalType": "timestamp-micros"},
    "value": "double",
    "count": ["null", "int"],
    "active": "boolean",
    "kind": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]},
    "tags": {"type": "array", "items": "string"},
    "place": {"type": "record", "name": "Place", "fields": [{"name": "lat", "type": "double"}]},
}
Shape = tuple[int | None, ...] | None
Tensors = Mapping[str, tuple[str, Shape]]
EXAMPLES: Tensors = {"examples": ("STRING", (None,))}
PREDICTION: Tensors = {"output_0": ("FLOAT", (None, 1))}


def save(directory: Path, outputs: Tensors = PREDICTION, inputs: Tensors = EXAMPLES) -> None:
    """The `saved_model.pb` of a model with one signature, `serving_default`: all that the contract looks at."""
    model = SavedModel()
    graph = model.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    definition = graph.signature_def["serving_default"]
    for infos, tensors in ((definition.inputs, inputs), (definition.outputs, outputs)):
        for name, (dtype, shape) in tensors.items():
            infos[name].dtype = DataType.Value(f"DT_{dtype}")
            infos[name].tensor_shape.unknown_rank = shape is None
            for size in shape or ():
                infos[name].tensor_shape.dim.add().size = -1 if size is None else size
    directory.mkdir()
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A schema, and the models that the tests name."""
    directory = tmp_path_factory.mktemp("contract")
    fields = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    (directory / "s.avsc").write_text(json.dumps({"type": "record", "name": "Reading", "fields": fields}))
    tags = {"type": "record", "name": "Tags", "fields": [each for each in fields if each["name"] == "tags"]}
    (directory / "tags.avsc").write_text(json.dumps(tags))
    save(directory / "m")
    save(directory / "raw", inputs={"x": ("FLOAT", (None, 3)), "y": ("INT64", ())})
    save(directory / "one_example", inputs={"examples": ("STRING", ())})
    save(directory / "no_input", inputs={})
    save(directory / "any_rank", {"output_0": ("DOUBLE", None)}, {"input": ("STRING", None)})
    save(directory / "image", {"output_0": ("FLOAT", (None, 1)), "pixels": ("FLOAT", (None, 8, 8))})
    save(directory / "named", {"dense/BiasAdd:0": ("FLOAT", (None,)), "_PARTITIONDATE": ("FLOAT", (None,))})
    save(directory / "labels", {"output_0": ("STRING", (None,)), "scores": ("FLOAT", (None, 3))})
    (directory / "corrupt").mkdir()
    (directory / "corrupt" / "saved_model.pb").write_bytes(b"corrupt")
    return directory


def contract(directory: Path, text: str) -> Contract:
    return check(parse_job(text, f"{directory}/job.yaml"))


def job(
    models: str = "m: {path: m}",
    message: str = "format: avro, schema: s.avsc, key: device_id, event_time: time",
    features: str = "x: value",
) -> str:
    rest = f"features: {{{features}}}\n" if features else ""
    return f"message: {{{message}}}\nwindow: {{fixed: 60s}}\nmodels: {{{models}}}\n{rest}"


def mistakes(directory: Path, text: str) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        contract(directory, text)
    return [line.replace(str(directory), "DIR") for line in caught.value.lines]


def test_a_job_that_fits_together(directory: Path) -> None:
    text = """
message: {format: json, schema: s.avsc, key: device_id, id: {attribute: id}, event_time: time}
window: {fixed: 5m}
features:
  x: value
  n: {field: count, default: 0}
  t: time
  tags: tags
models:
  last: {path: m, features: {x: first.score, y: {field: first.label}, z: value}, outputs: {output_0: prediction}}
  first: {path: labels, outputs: {scores: score, output_0: label}}
"""
    assert contract(directory, text) == Contract(
        message=parse_job(text, f"{directory}/job.yaml").message,
        schema=load_schema(f"{directory}/s.avsc"),
        window=timedelta(minutes=5),
        features=(
            FeatureColumn("x", "field:value", pa.float64()),
            FeatureColumn("n", "field:count", pa.int32(), None, 0),
            FeatureColumn("t", "field:time", pa.timestamp("us", "UTC")),
            FeatureColumn("tags", "field:tags", pa.list_(pa.string())),
        ),
        models=(
            ModelPlan(
                name="first",
                path=f"{directory}/labels",
                signature="serving_default",
                input="examples",
                outputs=(
                    Output("scores", "score", pa.list_(pa.float64())),
                    Output("output_0", "label", pa.string()),
                ),
            ),
            ModelPlan(
                name="last",
                path=f"{directory}/m",
                signature="serving_default",
                input="examples",
                outputs=(Output("output_0", "prediction", pa.float64()),),
                features=(
                    FeatureColumn("x", "model:first", pa.list_(pa.float64()), "score"),
                    FeatureColumn("y", "model:first", pa.string(), "label"),
                    FeatureColumn("z", "field:value", pa.float64()),
                ),
            ),
        ),
    )


def test_real_models_of_every_make(directory: Path, saved_models: Path) -> None:
    names = ("times5", "keras", "classic")
    models = ", ".join(f"{name}: {{path: {saved_models / name}}}" for name in names)
    assert [(plan.name, plan.input, plan.outputs) for plan in contract(directory, job(models)).models] == [
        ("times5", "examples", (Output("output_0", "output_0", pa.float64()),)),
        ("keras", "examples", (Output("output_0", "output_0", pa.float64()),)),
        ("classic", "inputs", (Output("scores", "scores", pa.float64()),)),
    ]


def test_without_features_every_scalar_field_is_one(directory: Path) -> None:
    assert contract(directory, job(features="")).features == (
        FeatureColumn("device_id", "field:device_id", pa.string()),
        FeatureColumn("time", "field:time", pa.timestamp("us", "UTC")),
        FeatureColumn("value", "field:value", pa.float64()),
        FeatureColumn("count", "field:count", pa.int32()),
        FeatureColumn("active", "field:active", pa.bool_()),
        FeatureColumn("kind", "field:kind", pa.string()),
    )


def test_where_every_model_has_features_of_its_own_the_job_has_none(directory: Path) -> None:
    checked = contract(
        directory, job("a: {path: m, features: {x: value}}, b: {path: m, features: {y: count}}", features="")
    )
    assert checked.features == ()
    assert [plan.features for plan in checked.models] == [
        (FeatureColumn("x", "field:value", pa.float64()),),
        (FeatureColumn("y", "field:count", pa.int32()),),
    ]


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
    tmp_path: Path, directory: Path, dtype: str, shape: Shape, column: pa.DataType
) -> None:
    save(tmp_path / "m", {"o": (dtype, shape)})
    assert contract(directory, job(f"m: {{path: {tmp_path}/m}}")).output_columns == (pa.field("o", column),)


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
def test_an_output_that_fits_no_column(tmp_path: Path, directory: Path, dtype: str, shape: Shape, shown: str) -> None:
    save(tmp_path / "m", {"o": (dtype, shape)})
    assert mistakes(directory, job(f"m: {{path: {tmp_path}/m}}")) == [
        f"models.m.outputs.o: {shown} fits no column; list only the outputs that you want under outputs"
    ]


def test_models_are_in_graph_order_and_else_in_that_of_the_job_file(directory: Path) -> None:
    fed = "features: {x: c.prediction, y: b.prediction}"
    models = f"d: {{path: m, {fed}, outputs: {{output_0: prediction}}}}"
    for name in "cba":
        models += f", {name}: {{path: m, outputs: {{output_0: prediction}}}}"
    assert [plan.name for plan in contract(directory, job(models)).models] == ["c", "b", "a", "d"]


def test_two_models_may_fill_one_column(directory: Path) -> None:
    checked = contract(directory, job("a: {path: m}, b: {path: m}, c: {path: labels, outputs: {scores: s}}"))
    assert checked.output_columns == (pa.field("output_0", pa.float64()), pa.field("s", pa.list_(pa.float64())))


@pytest.mark.parametrize(
    ("models", "lines"),
    [
        ("m: {path: missing}", ["models.m.path: no file DIR/missing/saved_model.pb"]),
        (
            "m: {path: corrupt}",
            [
                "models.m.path: DIR/corrupt/saved_model.pb is corrupt "
                "(Error parsing message with type 'tensorflow.SavedModel'); export the model again"
            ],
        ),
        (
            "m: {path: m, signature: predict}",
            ["models.m.signature: DIR/m has no signature 'predict'; it has serving_default"],
        ),
        (
            "m: {path: raw}",
            [
                "models.m.signature: serving_default of DIR/raw takes x: float32[?, 3], y: int64[]; "
                "export one that takes serialized tf.Examples, a string tensor of shape [None]"
            ],
        ),
        (
            "m: {path: one_example}",
            [
                "models.m.signature: serving_default of DIR/one_example takes examples: string[]; "
                "export one that takes serialized tf.Examples, a string tensor of shape [None]"
            ],
        ),
        (
            "m: {path: no_input}",
            [
                "models.m.signature: serving_default of DIR/no_input takes nothing; "
                "export one that takes serialized tf.Examples, a string tensor of shape [None]"
            ],
        ),
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
            "a: {path: m, outputs: {output_0: score}}, b: {path: m, outputs: {output_0: Score}}",
            ["models.b.outputs.output_0: the column Score (double) is a's score (double); name another"],
        ),
        (
            "m: {path: labels, outputs: {output_0: p, scores: P}}",
            ["models.m.outputs.scores: output_0 fills the column p already; name another"],
        ),
        (
            "a: {path: m, features: {x: b.output_0}}, b: {path: m, features: {x: a.output_0}}, c: {path: m}",
            ["models: a -> b -> a is a cycle; a model takes outputs of earlier models only"],
        ),
        (
            "a: {path: m, features: {x: a.output_0}}, c: {path: m}",
            ["models: a -> a is a cycle; a model takes outputs of earlier models only"],
        ),
        (
            "first: {path: m}, b: {path: m, features: {x: frist.output_0}}",
            ["models.b.features.x: no model 'frist'; did you mean first?"],
        ),
        (
            "a: {path: m}, b: {path: m, features: {x: a.output_1}}",
            ["models.b.features.x: the model a fills no column 'output_1'; did you mean output_0?"],
        ),
        (
            "a: {path: m}, b: {path: m, features: {x: place.lat}}",
            ["models.b.features.x: the field place cannot be used: a nested record"],
        ),
        (
            "a: {path: m, outputs: {output_1: p}}, b: {path: m, features: {x: a.p}}",
            ["models.a.outputs.output_1: the signature serving_default has no such output; did you mean output_0?"],
        ),
        (
            "a: {path: missing}, b: {path: m, features: {x: a.output_0}}",
            ["models.a.path: no file DIR/missing/saved_model.pb"],
        ),
        (
            "a: {path: m}, b: {path: m, features: {x: {field: a.output_0, default: 0.0}}}",
            ["models.b.features.x.default: a row that a does not answer is skipped, no default applies; remove it"],
        ),
    ],
)
def test_a_mistake_in_a_model(directory: Path, models: str, lines: list[str]) -> None:
    assert mistakes(directory, job(models)) == lines


def test_an_output_of_unknown_rank_is_left_to_the_call(directory: Path) -> None:
    (plan,) = contract(directory, job("m: {path: any_rank}")).models
    assert (plan.input, plan.outputs) == ("input", (Output("output_0", "output_0", pa.float64()),))


@pytest.mark.parametrize(
    ("features", "line"),
    [
        ("x: valeu", "features.x: the schema has no field 'valeu'; did you mean value?"),
        ("x: z", "features.x: the schema has no field 'z'; there is active, count, device_id, kind, tags, time, value"),
        ("x: place", "features.x: the field place cannot be used: a nested record"),
        (
            "x: m.output_0",
            "features.x: only a model's own features can take m.output_0; move it to models.NAME.features",
        ),
        ("x: {field: value, default: a}", "features.x.default: 'a' is no default for value, which is double"),
        ("x: {field: value, default: true}", "features.x.default: True is no default for value, which is double"),
        ("x: {field: value, default: -.inf}", "features.x.default: -inf is no default for value, which is double"),
        ("x: {field: value, default: 1.0e+39}", "features.x.default: 1e+39 is no default for value, which is double"),
        ("x: {field: count, default: 0.5}", "features.x.default: 0.5 is no default for count, which is int32"),
        (
            "x: {field: count, default: 9223372036854775808}",
            "features.x.default: 9223372036854775808 is no default for count, which is int32",
        ),
        ("x: {field: active, default: 1}", "features.x.default: 1 is no default for active, which is bool"),
        ("x: {field: kind, default: 1}", "features.x.default: 1 is no default for kind, which is string"),
        (
            "x: {field: time, default: now}",
            "features.x.default: 'now' is no default for time, which is timestamp[us, tz=UTC]",
        ),
        ("x: {field: tags, default: a}", "features.x.default: 'a' is no default for tags, which is list<item: string>"),
    ],
)
def test_a_mistake_in_a_feature(directory: Path, features: str, line: str) -> None:
    assert mistakes(directory, job(features=features)) == [line]


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("value", "1"),
        ("value", "0.5"),
        ("value", ".nan"),
        ("count", "-1"),
        ("active", "true"),
        ("kind", "C"),
        ("time", "0"),
    ],
)
def test_a_default_that_fits(directory: Path, field: str, default: str) -> None:
    (feature,) = contract(directory, job(features=f"x: {{field: {field}, default: {default}}}")).features
    assert feature.default is not None


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("schema: missing.avsc, key: k", ["message.schema: no file DIR/missing.avsc"]),
        (
            "schema: s.avsc, key: divice_id",
            ["message.key: the schema has no field 'divice_id'; did you mean device_id?"],
        ),
        (
            "schema: s.avsc, key: value, id: time",
            [
                "message.key: the field value is double; take a string, an enum, a whole number or a boolean",
                "message.id: the field time is timestamp[us, tz=UTC]; "
                "take a string, an enum, a whole number or a boolean",
            ],
        ),
        ("schema: s.avsc, key: place", ["message.key: the field place cannot be used: a nested record"]),
        (
            "schema: s.avsc, key: tags",
            ["message.key: the field tags is list<item: string>; take a string, an enum, a whole number or a boolean"],
        ),
        (
            "schema: s.avsc, key: kind, event_time: active",
            [
                "message.event_time: the field active is bool; "
                "take a timestamp, a date, a string, an int, a long or a double"
            ],
        ),
        (
            "schema: s.avsc, key: kind, event_time: count",
            ["message.event_time: the field count is int32, a number without a unit; add unit: s, ms, us"],
        ),
    ],
)
def test_a_mistake_in_the_message(directory: Path, message: str, lines: list[str]) -> None:
    assert mistakes(directory, job(message=f"format: avro, {message}")) == lines


@pytest.mark.parametrize("key", ["count", "kind", "active", "{attribute: anything}"])
def test_what_can_be_a_key(directory: Path, key: str) -> None:
    checked = contract(directory, job(message=f"format: avro, schema: s.avsc, key: {key}"))
    assert (
        checked.message == parse_job(job(message=f"format: avro, schema: {directory}/s.avsc, key: {key}"), "").message
    )


def test_features_that_no_model_takes(directory: Path) -> None:
    assert mistakes(directory, job("m: {path: m, features: {x: value}}", features="x: value")) == [
        "features: no model takes them, each has features of its own; remove them"
    ]


def test_a_schema_without_a_scalar_needs_features(directory: Path) -> None:
    message = "format: avro, schema: tags.avsc, key: {attribute: k}"
    assert mistakes(directory, job(message=message, features="")) == [
        "features: the schema has no scalar field to take by itself; name the features"
    ]


def test_all_mistakes_are_found_at_once(directory: Path) -> None:
    text = """
message: {format: avro, schema: s.avsc, key: value, event_time: {field: tags}}
window: {fixed: 60s}
features: {x: valeu, y: {field: value, default: high}}
models:
  a: {path: missing}
  b: {path: m, outputs: {output_0: key}}
  c: {path: m, features: {x: b.key, y: d.p, z: place}}
  d: {path: raw, features: {x: c.p}}
"""
    assert mistakes(directory, text) == [
        "models.a.path: no file DIR/missing/saved_model.pb",
        "models.d.signature: serving_default of DIR/raw takes x: float32[?, 3], y: int64[]; "
        "export one that takes serialized tf.Examples, a string tensor of shape [None]",
        "models.b.outputs.output_0: the column key is one of every table's own; name another",
        "models: c -> d -> c is a cycle; a model takes outputs of earlier models only",
        "message.key: the field value is double; take a string, an enum, a whole number or a boolean",
        "message.event_time: the field tags is list<item: string>; "
        "take a timestamp, a date, a string, an int, a long or a double",
        "features.x: the schema has no field 'valeu'; did you mean value?",
        "features.y.default: 'high' is no default for value, which is double",
        "models.c.features.z: the field place cannot be used: a nested record",
        "models.d.features.x: the model c fills no column 'p'; there is output_0",
    ]


def test_mistakes_in_models_are_found_without_a_schema(directory: Path) -> None:
    text = job("a: {path: missing}, b: {path: m, signature: s}", "format: avro, schema: missing.avsc, key: k")
    assert mistakes(directory, text) == [
        "message.schema: no file DIR/missing.avsc",
        "models.a.path: no file DIR/missing/saved_model.pb",
        "models.b.signature: DIR/m has no signature 's'; it has serving_default",
    ]
