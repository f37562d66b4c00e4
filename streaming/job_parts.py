"""What the parts of a job file share: strictness, shorthands, names, and references to fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
COLUMN_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,299}$"
ColumnName = Annotated[str, StringConstraints(pattern=COLUMN_NAME)]
FieldName = Annotated[str, StringConstraints(min_length=1)]
FeatureName = Annotated[str, StringConstraints(min_length=1)]


class Part(BaseModel):
    """A mapping of the job file: frozen, of known keys, each of its declared type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Shorthand(Part):
    """A mapping that may also be written as one text, which then is the value of one of its keys."""

    @classmethod
    def text_key(cls) -> str:
        """The key that a text alone stands for."""
        return "field"

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {cls.text_key(): value}
        if isinstance(value, dict | cls):
            return value
        raise ValueError(f"write a text, or a mapping as in {{{cls.text_key()}: name}}, not {value!r}")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [{"type": "string", "minLength": 1}, schema]}


class OneOrMore:
    """Marks a tuple that may also be written as its only item."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def listed(value: Any) -> Any:
            return value if isinstance(value, list | tuple) else [value]

        return core_schema.no_info_before_validator_function(listed, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        return {"anyOf": [schema["items"], schema]}


class Reference(Shorthand):
    """Where a text of the envelope comes from: a field of the message, or one of its attributes."""

    field: str | None = Field(None, min_length=1, description="field of the message schema")
    attribute: str | None = Field(None, min_length=1, description="attribute of the Pub/Sub message")

    @model_validator(mode="after")
    def _one_of_both(self) -> Reference:
        if (self.field is None) == (self.attribute is None):
            raise ValueError("name a field, or write {attribute: NAME}")
        return self


class Feature(Shorthand):
    """Where a feature of the `tf.Example`, or an input tensor of that name, comes from."""

    field: str = Field(min_length=1, description="a field of the message, or MODEL.COLUMN: an earlier model's output")
    default: bool | int | float | str | None = Field(
        None, description="the value where the field is null; without it the feature is missing there"
    )

    @field_validator("default", mode="before")
    @classmethod
    def _scalar(cls, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise ValueError(f"{value!r} is no number, text or boolean")
