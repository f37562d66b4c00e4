"""Golden examples: what a manifest says that a generation must answer, against what it does answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from streaming.errors import one_line
from streaming.inputs import golden_input
from streaming.models.saved_model import SavedModel
from streaming.savedmodel.generations import Generation
from streaming.savedmodel.manifest import Golden
from streaming.wiring import ModelPlan


def misses(model: SavedModel, plan: ModelPlan, generation: Generation) -> list[str]:
    """Where the model does not answer its golden examples as the manifest says, one line each.

    Numbers of floating-point outputs may be off by the generation's tolerance, absolutely and relatively; whole
    numbers, texts and booleans must be equal, and vectors are compared element by element.
    """
    return [
        f"golden example {number}: {miss}"
        for number, golden in enumerate(generation.golden, 1)
        for miss in _misses(model, plan, golden, generation.tolerance)
    ]


def _misses(model: SavedModel, plan: ModelPlan, golden: Golden, tolerance: float) -> Iterator[str]:
    try:
        outputs = model.call(golden_input(plan, [golden.features]))
    except Exception as error:  # noqa: BLE001 - a model may raise anything, and all of it is no answer
        yield one_line(error)
        return
    for name, expected in golden.outputs.items():
        if name not in outputs:
            yield f"there is no output {name}, but {', '.join(sorted(outputs))}"
        elif not _fits(outputs[name], expected, tolerance):
            within = "" if _is_exact(outputs[name]) else f" within {tolerance}"
            yield f"{name} is {_shown(outputs[name], expected)}, not {expected!r}{within}"


def _fits(values: np.ndarray, expected: Any, tolerance: float) -> bool:
    """Whether an output for one row, of shape [1], [1, 1] or [1, k], is what is expected."""
    answered, wanted = _listed(values), expected if isinstance(expected, list) else [expected]
    if len(values) != 1 or len(answered) != len(wanted):
        return False
    if _is_exact(values):
        return answered == wanted
    numbers = all(isinstance(each, int | float) for each in wanted)
    return numbers and np.allclose(values.reshape(-1).astype(float), wanted, rtol=tolerance, atol=tolerance)


def _is_exact(values: np.ndarray) -> bool:
    return not np.issubdtype(values.dtype, np.floating)


def _listed(values: np.ndarray) -> list[Any]:
    flat = values.reshape(-1)
    if not _is_exact(values):
        return [float(str(each)) for each in flat]  # with no more digits than the type has
    return [each.decode(errors="replace") if isinstance(each, bytes) else each for each in flat.tolist()]


def _shown(values: np.ndarray, expected: Any) -> str:
    answered = _listed(values)
    return repr(answered if isinstance(expected, list) or len(answered) != 1 else answered[0])
