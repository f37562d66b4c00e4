"""The dashboard: its grid, its variables, and what its charts ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import promql_parser
from google.cloud.monitoring_dashboard_v1 import Dashboard, DashboardFilter, MosaicLayout

from streaming.monitoring.dashboard import CHARTS, COLUMNS, EXPLANATION, SCOPE, dashboard
from streaming.monitoring.figures import FIGURES, ChartedFigure
from streaming.monitoring.target import Target

SHOWN = dashboard(Target("readings", "readings-sub"))
VARIABLES = {"${job_name}": 'job_name="readings"', "${subscription_id}": 'subscription_id="readings-sub"'}
CLOSE_TO_OTHERS = {"backlog_lowest", "oldest_unacked_lowest", "freshness_lowest", "all_predictions"}
"""Figures that rules judge, and that another chart's line shows."""


def tiles() -> list[MosaicLayout.Tile]:
    return list(SHOWN.mosaic_layout.tiles)


def cells(tile: MosaicLayout.Tile) -> Iterator[tuple[int, int]]:
    for x in range(tile.x_pos, tile.x_pos + tile.width):
        yield from ((x, y) for y in range(tile.y_pos, tile.y_pos + tile.height))


def test_the_tiles_fill_the_grid_and_do_not_overlap() -> None:
    taken = Counter(cell for tile in tiles() for cell in cells(tile))
    height = max(tile.y_pos + tile.height for tile in tiles())
    assert SHOWN.mosaic_layout.columns == COLUMNS == 48
    assert taken == Counter((x, y) for x in range(COLUMNS) for y in range(height))


def test_a_variable_chooses_the_job_and_another_its_subscription() -> None:
    assert (SHOWN.display_name, dict(SHOWN.labels)) == (
        "Pub/Sub inference: readings",
        {"managed-by": "pubsub-inference", "job": "readings"},
    )
    kind = DashboardFilter.FilterType.RESOURCE_LABEL
    assert list(SHOWN.dashboard_filters) == [
        DashboardFilter(label_key=name, template_variable=name, string_value=value, filter_type=kind)
        for name, value in (("job_name", "readings"), ("subscription_id", "readings-sub"))
    ]


def test_every_figure_that_promql_can_say_has_a_chart() -> None:
    shown = {figure.name for chart in CHARTS for figure in chart.figures}
    assert shown == {each.name for each in FIGURES if isinstance(each, ChartedFigure)} - CLOSE_TO_OTHERS


def test_the_charts_ask_for_their_figures() -> None:
    first, *charts = [tile.widget for tile in tiles()]
    assert first.text.content == EXPLANATION
    assert [
        (each.title, [data.time_series_query.prometheus_query for data in each.xy_chart.data_sets]) for each in charts
    ] == [(chart.title, [figure.query.promql(SCOPE) for figure in chart.figures]) for chart in CHARTS]


def test_each_query_is_promql_once_the_variables_are_matchers() -> None:
    queries = [data.time_series_query.prometheus_query for tile in tiles() for data in tile.widget.xy_chart.data_sets]
    for query in queries:
        assert query.count("{monitored_resource") == sum(map(query.count, VARIABLES))
        said = query
        for variable, matcher in VARIABLES.items():
            said = said.replace(variable, matcher)
        promql_parser.parse(said)


def test_it_survives_the_way_through_json() -> None:
    assert Dashboard.from_json(Dashboard.to_json(SHOWN), ignore_unknown_fields=False) == SHOWN
