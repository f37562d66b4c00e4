"""The figures as a dashboard of Cloud Monitoring: a mosaic of charts, for one job at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streaming.monitoring import figures
from streaming.monitoring.figures import ChartedFigure
from streaming.monitoring.queries import Scope
from streaming.monitoring.target import PLACEHOLDERS, Target

if TYPE_CHECKING:
    from google.cloud.monitoring_dashboard_v1 import Dashboard, DashboardFilter, MosaicLayout, Widget

COLUMNS = 48
ACROSS = 3
WIDTH = COLUMNS // ACROSS
HEIGHT = 14
TEXT_HEIGHT = 8

SCOPE = Scope("${job_name}", "${subscription_id}")
"""A variable of a dashboard stands for a whole label matcher."""


@dataclass(frozen=True)
class Chart:
    """A tile with a line for each figure, or for each of its models, stages or sinks."""

    title: str
    figures: tuple[ChartedFigure, ...]


CHARTS = (
    Chart("Messages read", (figures.INPUT_RATE,)),
    Chart("Predictions by model", (figures.PREDICTION_RATE,)),
    Chart("Dead letters by stage", (figures.DEAD_LETTER_RATE,)),
    Chart("Backlog", (figures.BACKLOG,)),
    Chart("Backlog growth", (figures.BACKLOG_GROWTH,)),
    Chart("Oldest unacknowledged message, watermark", (figures.OLDEST_UNACKED, figures.FRESHNESS)),
    Chart(f"Messages that take longer than {figures.LATE_MS // 1000} s", (figures.LATE_SHARE,)),
    Chart("Models' shares of the batches' time", (figures.MODEL_SHARE,)),
    Chart("Messages in a batch", (figures.BATCH_SIZE,)),
    Chart("Dead letters for each message", (figures.DEAD_LETTER_SHARE,)),
    Chart("Requests to sinks that were sent again", (figures.SINK_RETRIES,)),
    Chart("Rows that sinks refused", (figures.SINK_REFUSALS,)),
    Chart("New generations of models taken up", (figures.GENERATION_SWAPS,)),
    Chart("New generations of models refused", (figures.GENERATIONS_REFUSED,)),
    Chart("vCPUs", (figures.VCPUS,)),
    Chart("Bytes read", (figures.BYTE_RATE,)),
    Chart("Running for", (figures.ELAPSED,)),
    Chart("Failed", (figures.FAILED,)),
)
"""In rows of `ACROSS`."""

EXPLANATION = (
    "Choose the job and its subscription above. From top to bottom: what goes in and comes out; what waits; where the "
    "time goes; what is refused or asked again; the models' generations and the machines. Counters arrive up to five "
    "minutes late. `pubsub-inference monitor` shows the same figures with a verdict, and the alerts' runbooks say what "
    "to do."
)


def dashboard(target: Target = PLACEHOLDERS) -> Dashboard:
    """The dashboard, whose variables stand at the job and the subscription of `target` at first."""
    from google.cloud.monitoring_dashboard_v1 import Dashboard, MosaicLayout

    tiles = [_tile(0, 0, COLUMNS, TEXT_HEIGHT, _text()), *_charts()]
    return Dashboard(
        display_name=f"Pub/Sub inference: {target.job}",
        labels=target.labels,
        dashboard_filters=[_filter("job_name", target.job), _filter("subscription_id", target.subscription)],
        mosaic_layout=MosaicLayout(columns=COLUMNS, tiles=tiles),
    )


def _charts() -> Iterator[MosaicLayout.Tile]:
    for number, chart in enumerate(CHARTS):
        row, column = divmod(number, ACROSS)
        yield _tile(column * WIDTH, TEXT_HEIGHT + row * HEIGHT, WIDTH, HEIGHT, _chart(chart.title, chart.figures))


def _tile(left: int, top: int, width: int, height: int, widget: Widget) -> MosaicLayout.Tile:
    from google.cloud.monitoring_dashboard_v1 import MosaicLayout

    return MosaicLayout.Tile(x_pos=left, y_pos=top, width=width, height=height, widget=widget)


def _chart(title: str, charted: Sequence[ChartedFigure]) -> Widget:
    from google.cloud.monitoring_dashboard_v1 import TimeSeriesQuery, Widget, XyChart

    data = [
        XyChart.DataSet(
            time_series_query=TimeSeriesQuery(prometheus_query=figure.query.promql(SCOPE)),
            plot_type=XyChart.DataSet.PlotType.LINE,
            target_axis=XyChart.DataSet.TargetAxis.Y1,
            legend_template="" if figure.query.is_labelled else figure.meaning,
        )
        for figure in charted
    ]
    units = " ".join(dict.fromkeys(figure.unit for figure in charted))
    return Widget(title=title, xy_chart=XyChart(data_sets=data, y_axis=XyChart.Axis(label=units, scale="LINEAR")))


def _text() -> Widget:
    from google.cloud.monitoring_dashboard_v1 import Text, Widget

    return Widget(title="What is shown", text=Text(content=EXPLANATION, format_=Text.Format.MARKDOWN))


def _filter(label: str, value: str) -> DashboardFilter:
    from google.cloud.monitoring_dashboard_v1 import DashboardFilter

    kind = DashboardFilter.FilterType.RESOURCE_LABEL
    return DashboardFilter(label_key=label, template_variable=label, string_value=value, filter_type=kind)
