"""A score as JSON, for machines.

The keys, in this order; times are ISO 8601 in UTC, and a number that there is not is null:

| key | what it holds |
|---|---|
| `ok` | whether nothing is lost or wrong |
| `verdict` | the outcome in words |
| `wrong` | how much of each kind is wrong, as in `{"lost": 3}`; the kinds are `scores.Kind`'s names in lower case |
| `findings` | examples of these: the fields of `scores.Finding` |
| `sent` | the fields of `scores.Sent` |
| `came` | of each place of predictions the fields of `scores.Came` |
| `dead_letters` | `stage`, `error_class` and `count` of each reason |
| `repeated_dead_letters` | more of the same message, stage and model |
| `unconfirmed_dead_letters` | of messages of which nobody knows whether they were sent |
| `foreign_dead_letters` | of other messages, from before or after the run |
| `events` | dead letters of no message |
| `knows_dead_letters` | whether they were looked at |
| `latency` | the fields of `scores.Latency`; the keys of `percentiles` are texts, as in `"99.9"` |
| `throughput` | a second: `mean` and `peak` of `published`, `predicted` and `dead_letters` |
| `series` | the same over time: the fields of `scores.Series` |
| `quality` | of each check the fields of `scores.Quality` |
| `traces` | of a few devices the fields of `scores.Trace` |

The names of fields are the keys, and `scores` says what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from producers.report.sections import mean_and_peak
from producers.report.words import verdict
from producers.scoring.scores import Finding, Kind, Score, Series

_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z


def to_json(score: Score) -> str:
    """The score as a JSON object with the keys that this module lists; NaN and infinities are null."""
    values = {
        "ok": score.ok,
        "verdict": verdict(score),
        "wrong": {_name(kind): score.wrong[kind] for kind in Kind if kind in score.wrong},
        "findings": [_finding(finding) for finding in score.findings],
        "sent": _plain(score.sent),
        "came": [_plain(came) for came in score.came],
        "dead_letters": _dead_letters(score.dead_letters),
        "repeated_dead_letters": score.repeated_dead_letters,
        "unconfirmed_dead_letters": score.unconfirmed_dead_letters,
        "foreign_dead_letters": score.foreign_dead_letters,
        "events": score.events,
        "knows_dead_letters": score.knows_dead_letters,
        "latency": _plain(score.latency) | {"percentiles": _percentiles(score.latency.percentiles)},
        "throughput": _throughput(score.series),
        "series": _plain(score.series),
        "quality": [_plain(quality) for quality in score.quality],
        "traces": [_plain(trace) for trace in score.traces],
    }
    return orjson.dumps(values, option=_OPTIONS).decode()


def _name(kind: Kind) -> str:
    return kind.name.lower()


def _finding(finding: Finding) -> dict[str, Any]:
    return _plain(finding) | {"kind": _name(finding.kind)}


def _plain(part: Any) -> dict[str, Any]:
    """The fields of a dataclass, in order; as lists and dicts, where orjson knows no other mapping or sequence."""
    return {field.name: _known(getattr(part, field.name)) for field in fields(part)}


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _dead_letters(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [
        {"stage": stage, "error_class": error_class, "count": count}
        for (stage, error_class), count in sorted(counts.items())
    ]


def _percentiles(percentiles: Mapping[float, float]) -> dict[str, float]:
    return {f"{percent:g}": seconds for percent, seconds in percentiles.items()}


def _throughput(series: Series) -> dict[str, dict[str, float]]:
    means = {name: mean_and_peak(getattr(series, name)) for name in ("published", "predicted", "dead_letters")}
    return {name: {"mean": mean, "peak": peak} for name, (mean, peak) in means.items()}
