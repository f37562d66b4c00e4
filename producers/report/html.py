"""A score as one page that fetches nothing: tables and plots, for a screen or for paper."""

from __future__ import annotations

from importlib.resources import files

from producers.report.sections import findings, quality, totals
from producers.report.words import verdict
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
        ok=score.ok,
        totals=totals(score),
        plots=plots(score),
        quality=quality(score),
        findings=findings(score, EXAMPLES),
    )
