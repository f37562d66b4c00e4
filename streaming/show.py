"""A described job as a person reads it, or a machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streaming.describe import Described


def show(job: Described, *, as_json: bool) -> None:
    """Print the job, as JSON or as tables.

    Args:
        job: as `describe` gives it; with `loaded`, what came of loading each model.
        as_json: for machines.
    """
    if as_json:
        sys.stdout.write(json.dumps(job, indent=2) + "\n")
        return
    console = Console()
    for heading, table in sections(job):
        console.print(Text(heading, "bold"), Padding(table, (0, 0, 1, 2)))
    failed = ", ".join(each["model"] for each in job.get("loaded", ()) if each["wrong"])
    verdict = f"This job fits together, but cannot be served: {failed}" if failed else "This job fits together"
    console.print(Text(f"{verdict}; its job_hash is {job['job_hash']}."))


def sections(job: Described) -> Iterator[tuple[str, Table]]:
    """A heading and a table for the message, each model, the predictions, and the models as loaded, if they were."""
    identity = f"key {job['key']}, id {job['id']}, event time {job['event_time']}"
    message = f"message: {job['format']}, {job['schema']}; {identity}, windows of {job['window']}"
    yield message, _table(("field", "type", "used as"), _fields(job))
    for model in job["models"]:
        yield f"model {model['name']}: {_kind(model)}; takes {_takes(model)}", _table((), _wires(model))
    yield "table of predictions", _table(("column", "type", "mode", "filled by"), map(_column, job["table"]))
    if "loaded" in job:
        columns = ("model", "generation", "fingerprint", "seconds", "asked")
        yield "models as loaded", _table(columns, map(_loaded, job["loaded"]))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=bool(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))  # names may hold what rich takes for styles
    return table


def _fields(job: Described) -> Iterator[tuple[str, str, str]]:
    for each in job["fields"]:
        yield each["name"], _type(each), ", ".join(each["used"]) or "not used"
    for each in job["attributes"]:
        yield f"attribute {each['name']}", "string", ", ".join(each["used"])


def _type(each: Described) -> str:
    return each["type"] + (" or null" if each["nullable"] else "")


def _kind(model: Described) -> str:
    if model["kind"] == "ensemble":
        return f"ensemble, {model['method'].replace('_', ' ')}"
    place = model.get("path") or model["address"]
    generation = f", generation {model['generation']}" if model.get("generation") else ""
    return f"{model['kind']} {place}{generation}, {' and '.join(model['signatures'])}"


def _takes(model: Described) -> str:
    what = {"examples": "tf.Examples of ", "tensors": "tensors of "}.get(model.get("takes", ""), "")
    return what + ("all rows" if model["rows"] == "all" else f"rows {model['rows']}")


def _wires(model: Described) -> Iterator[tuple[str, str, str]]:
    for each in model["inputs"]:
        yield "needs", ": ".join(text for text in (each["name"], each["needs"]) if text), _given(each["gets"])
    for each in model["outputs"]:
        repeated = " REPEATED" if each["mode"] == "REPEATED" else ""
        yield "gives", each["output"], f"column {each['column']}: {each['type']}{repeated}"


def _given(gets: Described | None) -> str:
    if gets is None:
        return "nothing: its own default"
    default = "" if gets["default"] is None else f", {gets['default']!r} where null"
    return f"from {gets['from']}: {_type(gets)}{default}"


def _column(each: Described) -> tuple[str, str, str, str]:
    return each["name"], each["type"], each["mode"], ", ".join(each["filled_by"])


def _loaded(each: Described) -> tuple[str, str, str, str, str]:
    asked = each["wrong"] or each["complaint"] or "answers a blank example"
    return each["model"], each["generation"] or "", each["fingerprint"] or "", f"{each['seconds']:.1f}", asked
