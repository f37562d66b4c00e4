"""Each query over points made by hand, and the PromQL that says the same."""

from collections.abc import Callable
from datetime import datetime, timedelta

import promql_parser
import pytest

from streaming.monitoring.queries import Expression, Growth, Latest, Lowest, Query, Rate, Ratio, Scope
from streaming.monitoring.series import LABEL, USER_COUNTER, Reading, Series, Unavailable
from tests.monitoring_points import JOB, NOW, SUBSCRIPTION, UNACKED, HandMade, Values, steady

AGE = Series(f"{JOB}/data_watermark_age")
BACKLOG = Series(UNACKED)
READ = Series(USER_COUNTER, "messages_read")
PREDICTIONS = Series(USER_COUNTER, f"predictions_{LABEL}")
TEN = timedelta(minutes=10)
SCOPE = Scope('job_name="readings"', 'subscription_id="readings-sub"')


def at(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def asked(query: Query, source: HandMade) -> dict[str, Reading]:
    return dict(query.readings(source, NOW))


@pytest.mark.parametrize("node", [Latest, Lowest])
@pytest.mark.parametrize("values", [[], [(11, 4.0)], [(10, 4.0)]])
def test_a_value_older_than_the_span_is_none(node: Callable[[Series, timedelta], Query], values: Values) -> None:
    assert asked(node(AGE, TEN), HandMade().add(AGE.metric, values)) == {}


def test_the_latest_value_is_told_with_its_time() -> None:
    source = HandMade().add(AGE.metric, [(9, 8.0), (4, 3.0)])
    assert asked(Latest(AGE, TEN), source) == {"": Reading(3.0, at(4))}


def test_the_lowest_value_is_that_of_the_span_alone() -> None:
    source = HandMade().add(AGE.metric, [(11, 1.0), (9, 8.0), (6, 5.0), (4, 7.0)])
    assert asked(Lowest(AGE, TEN), source) == {"": Reading(5.0, at(4))}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (Latest(BACKLOG, TEN), 30.0),
        (Latest(BACKLOG, TEN, joined="min"), 7.0),
        (Latest(BACKLOG, TEN, joined="sum"), 37.0),
        (Lowest(BACKLOG, TEN), 20.0),
        (Lowest(BACKLOG, TEN, joined="sum"), 25.0),
    ],
)
def test_several_series_become_one_value(query: Query, value: float) -> None:
    source = HandMade().add(UNACKED, [(5, 20.0), (2, 30.0)]).add(UNACKED, [(5, 5.0), (3, 7.0)]).add(UNACKED, [])
    assert asked(query, source) == {"": Reading(value, at(2))}


@pytest.mark.parametrize(
    ("values", "growth"),
    [
        pytest.param(steady(6.0), 60.0, id="a value each minute"),
        pytest.param([(18, 100.0), (2, 130.0)], 30.0, id="gaps on both sides"),
        pytest.param([(3, 1.0)], 1.0, id="counted for the first time"),
        pytest.param([(9, 1.0), (3, 4.0), (1, 4.0)], 4.0, id="begun within the span"),
        pytest.param([(10, 5.0), (0, 9.0)], 4.0, id="on the edges"),
        pytest.param([(15, 90.0), (8, 100.0), (5, 3.0), (1, 8.0)], 18.0, id="begun anew"),
        pytest.param([(15, 8.0), (1, 8.0)], 0.0, id="nothing counted"),
    ],
)
def test_a_counter_has_grown_by_what_it_has_counted(values: Values, growth: float) -> None:
    assert asked(Growth(READ, TEN), HandMade().add("messages_read", values)) == {"": Reading(growth, at(values[-1][0]))}


def test_a_counter_that_nobody_has_seen_of_late_has_no_growth() -> None:
    assert asked(Growth(READ, TEN), HandMade().add("messages_read", [(15, 1.0), (12, 9.0)])) == {}


def test_growth_is_told_by_label_over_all_series_of_one() -> None:
    source = (
        HandMade()
        .add("predictions_times5", [(15, 0.0), (2, 10.0)])
        .add("predictions_times5", [(15, 5.0), (1, 6.0)])
        .add("predictions_times10", [(2, 3.0)])
        .add("messages_read", [(15, 0.0), (2, 99.0)])
    )
    assert asked(Growth(PREDICTIONS, TEN), source) == {
        "times5": Reading(11.0, at(1)),
        "times10": Reading(3.0, at(2)),
    }
    assert asked(Growth(Series(USER_COUNTER, "predictions_.+"), TEN), source) == {"": Reading(14.0, at(1))}


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        pytest.param(steady(60.0), 1.0, id="a value each minute"),
        pytest.param([(9, 0.0), (8, 30.0), (7, 60.0)], 0.5, id="points that come late"),
        pytest.param([(2, 100.0), (1.5, 10.0), (1, 40.0)], 40 / 60, id="begun anew"),
        pytest.param([(6, 0.0), (1, 100.0), (0.5, 103.0)], 0.1, id="older than the span"),
    ],
)
def test_a_counter_grows_at_a_rate(values: Values, rate: float) -> None:
    source = HandMade().add("messages_read", values)
    assert asked(Rate(READ, timedelta(minutes=3)), source) == {"": Reading(pytest.approx(rate), at(values[-1][0]))}


@pytest.mark.parametrize("values", [[], [(12, 0.0), (10, 60.0)]])
def test_old_points_make_no_rate(values: Values) -> None:
    assert asked(Rate(READ, timedelta(minutes=3)), HandMade().add("messages_read", values)) == {}


def test_one_point_makes_no_rate_and_says_so() -> None:
    rate = Rate(READ, timedelta(minutes=3))
    source = HandMade().add("messages_read", [(1, 5.0)])
    with pytest.raises(Unavailable, match="a rate takes two points in time, and there is one as yet"):
        asked(rate, source)
    assert asked(rate, source.add("messages_read", steady(60.0))) == {"": Reading(pytest.approx(1.0), NOW)}


def test_a_gauge_may_fall_and_its_series_are_summed() -> None:
    source = HandMade().add(UNACKED, steady(-60.0, start=9000.0)).add(UNACKED, steady(15.0))
    assert asked(Rate(BACKLOG, TEN), source) == {"": Reading(pytest.approx(-0.75), NOW)}


def test_a_rate_leaves_out_a_series_that_ended_before_the_newest_points() -> None:
    source = HandMade().add("messages_read", [(9, 0.0), (8, 600.0)]).add("messages_read", [(2, 0.0), (1, 60.0)])
    assert asked(Rate(READ, timedelta(minutes=3)), source) == {"": Reading(1.0, at(1))}


def ratio(over: str = f"dead_letters_{LABEL}", under: str = "messages_read") -> Ratio:
    return Ratio(Growth(Series(USER_COUNTER, over), TEN), Growth(Series(USER_COUNTER, under), TEN))


def test_a_ratio_is_told_by_the_labels_above_and_the_older_time() -> None:
    source = (
        HandMade()
        .add("messages_read", [(15, 0.0), (3, 200.0)])
        .add("dead_letters_decode", [(2, 4.0)])
        .add("dead_letters_infer_times5", [(4, 1.0)])
    )
    assert asked(ratio(), source) == {
        "decode": Reading(0.02, at(3)),
        "infer_times5": Reading(0.005, at(4)),
    }


@pytest.mark.parametrize("read", [[], [(15, 200.0), (3, 200.0)]])
def test_a_ratio_to_nothing_or_to_zero_is_none(read: Values) -> None:
    assert asked(ratio(), HandMade().add("messages_read", read).add("dead_letters_decode", [(2, 4.0)])) == {}


AGE_PROMQL = 'dataflow_googleapis_com:job_data_watermark_age{monitored_resource="dataflow_job", job_name="readings"}'
UNACKED_PROMQL = (
    'pubsub_googleapis_com:subscription_num_unacked_messages_by_region{monitored_resource="pubsub_subscription", '
    'subscription_id="readings-sub"}'
)


def counter(pattern: str) -> str:
    matchers = f'monitored_resource="dataflow_job", job_name="readings", metric_name=~"{pattern}"'
    return f"dataflow_googleapis_com:job_user_counter{{{matchers}}}"


@pytest.mark.parametrize(
    ("query", "promql"),
    [
        (Latest(AGE, TEN), f"max(last_over_time({AGE_PROMQL}[600s]))"),
        (Latest(BACKLOG, TEN, joined="sum"), f"sum(last_over_time({UNACKED_PROMQL}[600s]))"),
        (Lowest(BACKLOG, TEN, joined="sum"), f"sum(min_over_time({UNACKED_PROMQL}[600s]))"),
        (
            Growth(READ, TEN),
            f"sum(max_over_time({counter('messages_read')}[600s]) - "
            f"(max_over_time({counter('messages_read')}[600s] offset 600s) or "
            f"max_over_time({counter('messages_read')}[600s]) * 0))",
        ),
        (
            Growth(PREDICTIONS, TEN),
            f"sum by (metric_name) (max_over_time({counter('predictions_(.+)')}[600s]) - "
            f"(max_over_time({counter('predictions_(.+)')}[600s] offset 600s) or "
            f"max_over_time({counter('predictions_(.+)')}[600s]) * 0))",
        ),
        (Rate(BACKLOG, TEN), f"sum(delta({UNACKED_PROMQL}[600s])) / 600"),
        (
            Rate(PREDICTIONS, timedelta(minutes=3)),
            f"sum by (metric_name) (delta({counter('predictions_(.+)')}[180s])) / 180",
        ),
        (
            Ratio(Rate(PREDICTIONS, TEN), Rate(READ, TEN)),
            f"sum by (metric_name) (delta({counter('predictions_(.+)')}[600s])) / 600 / on() group_left() "
            f"(sum(delta({counter('messages_read')}[600s])) / 600 > 0)",
        ),
        (
            Ratio(Rate(READ, TEN), Rate(READ, TEN)),
            f"sum(delta({counter('messages_read')}[600s])) / 600 / "
            f"(sum(delta({counter('messages_read')}[600s])) / 600 > 0)",
        ),
    ],
)
def test_promql_says_the_same(query: Expression, promql: str) -> None:
    assert query.promql(SCOPE) == promql
    promql_parser.parse(promql)


def test_without_a_scope_all_jobs_are_taken() -> None:
    assert Scope().selector(AGE) == 'dataflow_googleapis_com:job_data_watermark_age{monitored_resource="dataflow_job"}'
    assert Scope().selector(Series(f"{SUBSCRIPTION}/x-y/z")) == (
        'pubsub_googleapis_com:subscription_x_y_z{monitored_resource="pubsub_subscription"}'
    )
