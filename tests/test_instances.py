import base64
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from streaming.batches import field_column
from streaming.features import EXAMPLE, encode
from streaming.models.instances import instances
from streaming.wiring import FeatureColumn, ModelPlan, RemoteCall
from tests import builders

TENSORS = RemoteCall("http://host/v1/models/toy")
EXAMPLES = RemoteCall("http://host/v1/models/toy", tensors=False)


def feature(name: str, kind: pa.DataType, default: Any = None) -> FeatureColumn:
    return FeatureColumn(name, field_column(name), kind, default=default)


def plan(*features: FeatureColumn, call: RemoteCall = TENSORS) -> ModelPlan:
    return builders.plan(features=features, call=call)


def test_an_instance_has_each_feature_by_name_as_json_knows_it() -> None:
    columns = {
        "double": pa.array([0.5, 1.5]),
        "single": pa.array([0.25, 0.75], pa.float32()),
        "whole": pa.array([1, 2], pa.int32()),
        "flag": pa.array([True, False]),
        "text": pa.array(["a", "é"]),
        "bytes": pa.array([b"\x00\xff", b""]),
        "day": pa.array([date(1970, 1, 3), date(1969, 12, 31)]),
        "millis": pa.array([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)] * 2, pa.timestamp("ms", tz="UTC")),
        "local": pa.array([datetime(1970, 1, 1, 0, 0, 1)] * 2, pa.timestamp("us")),
    }
    features = [feature(name, column.type) for name, column in columns.items()]

    assert instances(builders.batch(2, **columns).rows, plan(*features)) == [
        {
            "double": 0.5,
            "single": 0.25,
            "whole": 1,
            "flag": True,
            "text": "a",
            "bytes": {"b64": "AP8="},
            "day": 2,
            "millis": 1000,
            "local": 1_000_000,
        },
        {
            "double": 1.5,
            "single": 0.75,
            "whole": 2,
            "flag": False,
            "text": "é",
            "bytes": {"b64": ""},
            "day": -1,
            "millis": 1000,
            "local": 1_000_000,
        },
    ]


def test_lists_are_lists_of_the_same() -> None:
    columns = {
        "doubles": pa.array([[0.5, 1.5], []]),
        "blobs": pa.array([[b"a", None], None], pa.list_(pa.binary())),
        "days": pa.array([[date(1970, 1, 3)], [None]], pa.list_(pa.date32())),
    }
    features = [feature(name, column.type) for name, column in columns.items()]

    assert instances(builders.batch(2, **columns).rows, plan(*features)) == [
        {"doubles": [0.5, 1.5], "blobs": [{"b64": "YQ=="}, None], "days": [2]},
        {"doubles": [], "days": [None]},
    ]


@pytest.mark.parametrize(
    ("kind", "default", "sent"),
    [
        (pa.float64(), 1, 1.0),
        (pa.int64(), True, 1),
        (pa.bool_(), 1, True),
        (pa.string(), 1, "1"),
        (pa.binary(), "a", {"b64": "YQ=="}),
        (pa.date32(), 7, 7),
        (pa.timestamp("ms"), 7, 7),
    ],
)
def test_a_default_stands_where_the_field_is_null(kind: pa.DataType, default: Any, sent: Any) -> None:
    rows = builders.batch(1, x=pa.nulls(1, kind)).rows

    (instance,) = instances(rows, plan(feature("x", kind, default)))

    assert instance == {"x": sent}
    assert type(instance["x"]) is type(sent)


def test_a_null_is_left_out() -> None:
    rows = builders.batch(2, x=pa.array([None, 1.0]), y=pa.array([None, None], pa.string())).rows

    sent = instances(rows, plan(feature("x", pa.float64()), feature("y", pa.string())))

    assert sent == [{}, {"x": 1.0}]


def test_as_vectors_a_scalar_is_a_list_of_one() -> None:
    call = RemoteCall("http://host/v1/models/toy", vectors=True)
    columns = {"x": pa.array([1.0, None]), "t": pa.array(["a", "b"]), "l": pa.array([[1.0, 2.0], [3.0]])}
    features = [feature(name, column.type) for name, column in columns.items()]

    sent = instances(builders.batch(2, **columns).rows, plan(*features, call=call))

    assert sent == [{"x": [1.0], "t": ["a"], "l": [1.0, 2.0]}, {"t": ["b"], "l": [3.0]}]


def test_an_earlier_models_output_is_a_feature_like_any_other() -> None:
    earlier = builders.plan("first")
    built = builders.answered(builders.readings([1.0, 2.0]), earlier, [{"prediction": 5.0}, None])
    fed = FeatureColumn("x", earlier.column, pa.float64(), output="prediction", default=0.5)

    assert instances(built.rows, plan(fed)) == [{"x": 5.0}, {"x": 0.5}]


def test_a_part_of_a_batch_has_the_instances_of_its_own_rows() -> None:
    rows = builders.batch(3, x=pa.array([[1.0], [2.0], [3.0, 4.0]])).rows.slice(1, 2)

    assert instances(rows, plan(feature("x", pa.list_(pa.float64())))) == [{"x": [2.0]}, {"x": [3.0, 4.0]}]


def test_without_tensors_an_instance_is_the_models_own_example() -> None:
    rows = builders.readings([1.0, 2.0]).rows
    examples = encode(rows, [builders.X]).to_pylist()

    sent = instances(rows, plan(builders.X, call=EXAMPLES))

    assert [base64.b64decode(instance["b64"]) for instance in sent] == examples
    assert [list(instance) for instance in sent] == [["b64"], ["b64"]]


def test_without_tensors_an_instance_is_the_jobs_example_where_it_is_shared() -> None:
    rows = builders.readings([1.0]).rows.append_column(EXAMPLE, pa.array([b"example"], pa.large_binary()))

    assert instances(rows, builders.plan(call=EXAMPLES)) == [{"b64": "ZXhhbXBsZQ=="}]
