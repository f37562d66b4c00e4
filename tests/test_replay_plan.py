"""The flags make a plan, or one line for each mistake."""

from datetime import UTC, datetime
from typing import Any

import pytest

from producers.replaying.letters import Selection
from producers.replaying.replay_plan import ReplayFlags, ReplayPlan, to_plan
from streaming.bigquery.table_ids import TableId
from streaming.errors import Mistakes

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TOPIC = "projects/p/topics/in"


def test_flags_make_a_plan() -> None:
    flags = ReplayFlags(
        TOPIC,
        table="p:d.letters",
        stages=["decode", "infer:times5"],
        error_classes=["AvroError"],
        model="times5",
        since="1h",
        until="2026-03-01T13:00:00+01:00",
        output_table="p.d.predictions",
        limit=10,
        rate=5.0,
        dry_run=True,
    )
    since, until = datetime(2026, 3, 1, 11, 30, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert to_plan(flags, NOW) == ReplayPlan(
        TOPIC,
        table=TableId("p", "d", "letters"),
        selection=Selection(("decode", "infer:times5"), ("AvroError",), "times5", since, until),
        output_table=TableId("p", "d", "predictions"),
        limit=10,
        rate=5.0,
        dry_run=True,
    )


def test_the_least_there_is() -> None:
    name = "projects/p/subscriptions/s"
    assert to_plan(ReplayFlags(TOPIC, subscription=name), NOW) == ReplayPlan(TOPIC, subscription=name)


@pytest.mark.parametrize(
    ("flags", "lines"),
    [
        ({"table": None}, ["--table, --subscription: give one of them; the dead letters come from there"]),
        (
            {"subscription": "projects/p/subscriptions/s"},
            ["--table, --subscription: give one of them; the dead letters come from there"],
        ),
        ({"topic": "in"}, ["--topic: 'in' is not of the form projects/PROJECT/topics/TOPIC"]),
        (
            {"table": None, "subscription": "s"},
            ["--subscription: 's' is not of the form projects/PROJECT/subscriptions/SUBSCRIPTION"],
        ),
        ({"table": "letters"}, ["--table: 'letters' is not a table; write PROJECT.DATASET.TABLE"]),
        ({"output_table": "a.b"}, ["--output-table: 'a.b' is not a table; write PROJECT.DATASET.TABLE"]),
        ({"output_table": "p:d.t"}, ["--output-table: is the --table; give the table of predictions"]),
        ({"stages": ["decod"]}, ["--stage: no stage 'decod'; did you mean decode?"]),
        ({"stages": ["infer"]}, ["--stage: no stage 'infer'; did you mean infer:MODEL?"]),
        (
            {"stages": ["xyz"]},
            [
                "--stage: no stage 'xyz'; there are decode, event_time, to_example, write_table, publish, generation, "
                "infer:MODEL"
            ],
        ),
        ({"since": "now"}, ["--since: 'now' is neither a time, as 2026-01-01T00:00:00Z, nor a time ago, as 1h"]),
        (
            {"until": "2026-01-01T00:00:00"},
            ["--until: '2026-01-01T00:00:00' is neither a time, as 2026-01-01T00:00:00Z, nor a time ago, as 1h"],
        ),
        (
            {"since": "9999-12-31T23:59:59-23:59"},
            ["--since: '9999-12-31T23:59:59-23:59' is neither a time, as 2026-01-01T00:00:00Z, nor a time ago, as 1h"],
        ),
        ({"since": "1h", "until": "2h"}, ["--until: 2h is not after --since 1h; nothing lies between"]),
    ],
)
def test_each_mistake_is_one_line(flags: dict[str, Any], lines: list[str]) -> None:
    with pytest.raises(Mistakes) as raised:
        to_plan(ReplayFlags(**({"topic": TOPIC, "table": "p.d.t"} | flags)), NOW)
    assert list(raised.value.lines) == lines


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(Mistakes) as raised:
        to_plan(ReplayFlags("t", table="x", stages=["y"], since="z"), NOW)
    assert [line.partition(":")[0] for line in raised.value.lines] == ["--topic", "--table", "--stage", "--since"]
