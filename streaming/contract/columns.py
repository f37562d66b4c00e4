"""The columns that outputs fill: their types, their names, and whether two models agree on one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from streaming.contract.findings import Findings, hint
from streaming.contract.tensors import show
from streaming.job_models import ModelOutput
from streaming.job_parts import COLUMN_NAME
from streaming.results import FIXED_COLUMNS
from streaming.savedmodel.signatures import Signature, TensorSpec
from streaming.wiring import Output, scalar

_DECLARED = {"FLOAT64": pa.float64(), "INT64": pa.int64(), "STRING": pa.string(), "BOOL": pa.bool_()}
"""The column types by the words of the job file."""
_OUTPUT_TYPES: Mapping[str, pa.DataType] = {
    **dict.fromkeys(["float16", "bfloat16", "float32", "float64"], pa.float64()),
    **dict.fromkeys(["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"], pa.int64()),
    "bool": pa.bool_(),
    "string": pa.string(),
}
_RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "_CHANGE_", "__ROOT__", "_COLIDENTIFIER")
"""How BigQuery's own columns begin."""


@dataclass(frozen=True)
class Offer:
    """An output as its model offers it.

    Attributes:
        column: that it fills where the job file names none.
        type: of the column; None where it fits none.
        shown: how a person reads the output's own type.
        size: of each row's vector; None where it is no vector, or of unknown size.
    """

    column: str
    type: pa.DataType | None
    shown: str
    size: int | None = None


def signature_offers(signatures: Mapping[str, Signature]) -> dict[str, Offer]:
    """The outputs of a SavedModel by the job file's name for them: SIGNATURE.OUTPUT where it calls several."""
    several = len(signatures) > 1
    return {
        f"{name}.{output}" if several else output: Offer(
            f"{name}_{output}" if several else output, output_type(spec), show(spec), _vector_size(spec)
        )
        for name, signature in signatures.items()
        for output, spec in signature.outputs.items()
    }


def declared_offers(outputs: Mapping[str, ModelOutput]) -> dict[str, Offer]:
    """The outputs of a remote model, of which only the job file knows."""
    types = {name: _DECLARED[output.type or "FLOAT64"] for name, output in outputs.items()}
    return {
        name: Offer(output.column, pa.list_(types[name]) if output.repeated else types[name], "")
        for name, output in outputs.items()
    }


def output_type(spec: TensorSpec) -> pa.DataType | None:
    """A scalar for shapes [n] and [n, 1] (and unknown ranks, which the call checks), a list for [n, k]."""
    value = _OUTPUT_TYPES.get(spec.dtype)
    rows, *rest = (None,) if spec.shape is None else spec.shape or (0,)
    if value is None or rows is not None or len(rest) > 1:
        return None
    return pa.list_(value) if rest and rest != [1] else value


def _vector_size(spec: TensorSpec) -> int | None:
    _, *rest = spec.shape or (None,)
    return rest[0] if len(rest) == 1 and rest != [1] else None


def wire(
    found: Findings, place: str, giver: str, offers: Mapping[str, Offer], declared: Mapping[str, ModelOutput] | None
) -> tuple[Output, ...]:
    """The outputs that fill columns, those of them that are right.

    Args:
        found: gets the mistakes.
        place: of the outputs in the job file.
        giver: who offers them, for the message.
        offers: what there is, by the job file's name for it.
        declared: what the job file says of them; None for every output under its own name.
    """
    outputs = []
    for name in offers if declared is None else declared:
        if name not in offers:
            found.add(f"{place}.{name}", f"{giver} no such output{hint(name, offers)}")
        elif output := _output(found, f"{place}.{name}", name, offers[name], (declared or {}).get(name)):
            outputs.append(output)
    return tuple(outputs)


def _output(found: Findings, place: str, name: str, offer: Offer, said: ModelOutput | None) -> Output | None:
    column = offer.column if said is None else said.column
    if wrong := wrong_column(column):
        found.add(place, wrong)
    elif offer.type is None:
        found.add(place, f"{offer.shown} fits no column; list only the outputs that you want under outputs")
    elif said is not None and (contradicted := _contradicted(said, offer.type)):
        found.add(f"{place}.{contradicted[0]}", f"{contradicted[1]}; remove it")
    else:
        return Output(name, column, offer.type)
    return None


def wrong_column(column: str) -> str | None:
    """Why no column can be called so, or None."""
    if column.lower() in FIXED_COLUMNS:
        return f"the column {column} is one of every table's own; name another"
    if not re.fullmatch(COLUMN_NAME, column):  # an output's own name may be anything
        return f"{column!r} is no column name; name a column under outputs, of letters, digits and _"
    if column.upper().startswith(_RESERVED):
        return f"column names like {column} are BigQuery's own; name another"
    return None


def _contradicted(said: ModelOutput, given: pa.DataType) -> tuple[str, str] | None:
    """The key of the job file that declares another type than the model gives, and what that is."""
    repeated = pa.types.is_list(given)
    if said.type is not None and _DECLARED[said.type] != scalar(given):
        word = next(word for word, kind in _DECLARED.items() if kind == scalar(given))
        return "type", f"the model gives {word}, not {said.type}"
    if said.repeated is not None and said.repeated != repeated:
        return "repeated", f"the model gives {'a vector' if repeated else 'a single value'} for each row"
    return None


def check_columns(found: Findings, outputs: Mapping[str, tuple[Output, ...]]) -> None:
    """Two models may fill one column, with one type; BigQuery's column names do not tell cases apart."""
    seen: dict[str, tuple[str, Output]] = {}
    for model, each in outputs.items():
        for output in each:
            first, other = seen.setdefault(output.column.lower(), (model, output))
            place = f"models.{model}.outputs.{output.name}"
            if other is output:
                continue
            if first == model:
                case = "" if other.column == output.column else f", and {output.column} differs only in case"
                found.add(place, f"{other.name} fills the column {other.column} already{case}; name another")
            elif other.column != output.column:
                taken = f"{first}'s {other.column}"
                found.add(place, f"the column {output.column} and {taken} differ only in case; name another")
            elif other.type != output.type:
                taken = f"{first}'s {other.column} ({other.type})"
                found.add(place, f"the column {output.column} ({output.type}) is {taken}; name another")
