"""Whether stored records can become the job's batches, found before the first is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import pyarrow as pa

from streaming.formats.avro_types import scalar_of
from streaming.schema import SchemaField
from streaming.stored import needs
from streaming.stored.casts import can_fill, is_bytes, is_list
from streaming.stored.example_reader import kind_of
from streaming.stored.records import EXAMPLE, Form
from streaming.stored.rows import is_attribute
from streaming.wiring import Contract


def check_stored(contract: Contract, form: Form, columns: pa.Schema, place: str) -> list[str]:
    """Everything for which records cannot become the job's batches, a line each: place, what is wrong, remedy.

    Args:
        contract: of the job.
        form: what the records are.
        columns: of rows, the file's or the table's columns; of examples, a list for each feature that is known to be
            there (`example_reader.features_of`), or none of them: then features are not looked at.
        place: the file or table.
    """
    wrong = _rows(contract, columns) if form == "rows" else _records(contract, form, columns)
    return [f"{place}: {line}" for line in wrong]


def _rows(contract: Contract, columns: pa.Schema) -> Iterator[str]:
    identity = needs.identity_fields(contract)
    for field in contract.schema.fields:
        count = columns.names.count(field.name)
        if count > 1:
            yield f"{count} columns are called {field.name}; rename the others"
        elif count:
            yield from _column(field, columns.field(field.name).type)
        elif field.name in identity:
            yield f"no column {field.name}, which {identity[field.name]} takes; {_add(field.name, columns)}"
        elif not (field.nullable or field.has_default):
            yield f"no column {field.name}, which the message schema requires; {_add(field.name, columns)}"
    for name, key in needs.attributes(contract).items():
        yield from _attribute(name, key, columns)
    if contract.schema.field(needs.PUBLISH_TIME) is None:
        yield from _publish_time(columns)


def _column(field: SchemaField, kind: pa.DataType) -> Iterator[str]:
    if not can_fill(kind, field):
        wanted = f"{'an array of ' if pa.types.is_list(field.type) else ''}{_avro_name(field)}"
        yield f"the column {field.name} is {kind}, the message schema's field {wanted}; make one of them fit the other"


def _avro_name(field: SchemaField) -> str:
    avro = scalar_of(field.avro)
    return avro.logical or avro.kind


def _add(name: str, columns: pa.Schema) -> str:
    near = difflib.get_close_matches(name, columns.names, 1)
    return f"did you mean {near[0]}?" if near else "add it"


def _attribute(name: str, key: str, columns: pa.Schema) -> Iterator[str]:
    if name not in columns.names:
        yield f"no column {name}, which stands for the attribute that {key} takes; {_add(name, columns)}"
    elif not is_attribute(kind := columns.field(name).type):
        yield f"the column {name} is {kind}, the attribute that {key} takes a text; make it one, or a whole number"


def _publish_time(columns: pa.Schema) -> Iterator[str]:
    if needs.PUBLISH_TIME in columns.names:
        kind = columns.field(needs.PUBLISH_TIME).type
        if not pa.types.is_timestamp(kind):
            yield f"the column {needs.PUBLISH_TIME} is {kind}; make it a timestamp, or rename it"


def _records(contract: Contract, form: Form, columns: pa.Schema) -> Iterator[str]:
    for name, key in needs.attributes(contract).items():
        yield f"its records have no attributes, and {key} takes {name}; take a field, or read Parquet or a table"
    if form == "examples" and columns.names not in ([], [EXAMPLE]):
        yield from _features(contract, columns)


def _features(contract: Contract, columns: pa.Schema) -> Iterator[str]:
    identity = needs.identity_fields(contract)
    for field in needs.fields_beside_examples(contract):
        names = needs.candidates(contract, field)
        found = [name for name in names if name in columns.names]
        if not found and field.name in identity:
            wanting = " or ".join(names) or field.name
            yield f"no feature {wanting}, which {identity[field.name]} takes; {_add(field.name, columns)}"
        for name in found:
            given, wanted = columns.field(name).type, kind_of(field)
            if is_list(given) and not _is_kind(given.value_type, wanted):
                yield f"the feature {name} is {given.value_type}, the field {field.name} takes {wanted}; change either"


def _is_kind(given: pa.DataType, wanted: pa.DataType) -> bool:
    return given == wanted or pa.types.is_null(given) or (is_bytes(given) and is_bytes(wanted))
