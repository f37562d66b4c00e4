"""A score as one page that fetches nothing: tables and plots, for a screen or for paper."""

from __future__ import annotations

from importlib.resources import files

from producers.report.meanings import HOURS
from producers.report.sections import findings, quality, run, totals
from producers.report.words import summary, verdict
from producers.scoring.scores import EXAMPLES, Score
from streaming.errors import JobError


def to_html(score: Score) -> str:
    """The page, the same whenever it is made of the same score.

    Raises:
        JobError: jinja2 or matplotlib is not installed.
    """
    try:
        import jinja2

        from producers.report.plots import plots
        from producers.report.traces import plot_traces
    except ModuleNotFoundError as error:
        raise JobError(
            "the HTML report needs jinja2 and matplotlib; run: pip install 'pubsub-inference[report]'"
        ) from error
    source = files("producers.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source).render(
        verdict=verdict(score),
        summary=summary(score),
        run=run(score.sent),
        ok=score.ok,
        totals=totals(score),
        plots=plots(score),
        traces=list(plot_traces(score)),
        quality=quality(score),
        hours=HOURS if _in_hours(score) else "",
        findings=findings(score, EXAMPLES),
    )


def _in_hours(score: Score) -> bool:
    states = [*(each.state for each in score.quality), *(trace.state for trace in score.traces)]
    return any("hours" in state for state in states)
