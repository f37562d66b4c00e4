"""The features that a model parses out of a serialized `tf.Example`, and the fields that fit them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pyarrow as pa

from streaming.contract.tensors import gives, show
from streaming.features import feature_type
from streaming.savedmodel.parsed_features import ParsedFeature
from streaming.savedmodel.signatures import TensorSpec
from streaming.wiring import FeatureColumn, scalar

_FITTING = {
    "float32": (pa.float32(), "take a float or a double"),
    "int64": (pa.int64(), "take a whole number, a boolean, a date or a timestamp"),
    "string": (pa.large_binary(), "take a string, an enum or bytes"),
}
"""By the parsed type: the type of features that fit it, and what to take instead of another."""


@dataclass(frozen=True)
class ExampleFeature:
    """A feature that a model parses."""

    parsed: ParsedFeature

    def __str__(self) -> str:
        if self.parsed.shape is None:
            return f"{self.parsed.dtype} of any length"
        return show(TensorSpec(self.parsed.dtype, self.parsed.shape))

    @property
    def name(self) -> str:
        """In the `tf.Example`."""
        return self.parsed.name

    @property
    def required(self) -> bool:
        """Whether there is no default for it."""
        return self.parsed.required

    def misfit(self, feature: FeatureColumn) -> str | None:
        """Why `feature` cannot be parsed, in one line."""
        listed = pa.types.is_list(feature.type)
        wanted, remedy = _FITTING[self.parsed.dtype]
        if feature_type(scalar(feature.type)) != wanted:
            return f"takes {self.parsed.dtype}, {gives(feature)}; {remedy}"
        if not listed and self._holds_no_scalar:
            return f"takes {self}, {gives(feature)}; take an array"
        return None

    @property
    def _holds_no_scalar(self) -> bool:
        """Whether one value cannot be all that there is, whatever the sizes that are unknown."""
        return math.prod(size for size in self.parsed.shape or () if size is not None) != 1
