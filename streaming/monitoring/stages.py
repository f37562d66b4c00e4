"""The stages of dead letters as people know them: a counter's name holds no colon."""

from __future__ import annotations

_OF_A_MODEL = "infer_"


def stage_of(label: str) -> str:
    """The stage that the label of a counter stands for: `infer_risk` is `infer:risk`."""
    return f"infer:{label.removeprefix(_OF_A_MODEL)}" if label.startswith(_OF_A_MODEL) else label
