"""The Dockerfile, read: its instructions by stage."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Instruction(NamedTuple):
    """One instruction: `stage` is the name of the last FROM, `""` before the first."""

    stage: str
    word: str
    arguments: str


def instructions() -> list[Instruction]:
    """All of them, in order, without comments, each on one line."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    found, stage = [], ""
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line:
            word, arguments = line.split(maxsplit=1)
            if word == "FROM":
                stage = arguments.partition(" AS ")[2]
            found.append(Instruction(stage, word, arguments))
    return found


def arguments_of(word: str, *stages: str) -> list[str]:
    """What stands after each `word`, in all stages or in those named."""
    return [each.arguments for each in instructions() if each.word == word and (not stages or each.stage in stages)]


def pairs_of(word: str, *stages: str) -> dict[str, str]:
    """The `name=value` pairs of all ARG, ENV or LABEL instructions."""
    words = [pair for arguments in arguments_of(word, *stages) for pair in shlex.split(arguments)]
    return dict(pair.split("=", 1) for pair in words)


def sources() -> list[str]:
    """What is copied out of the repository."""
    copies = [arguments.split() for arguments in arguments_of("COPY") if not arguments.startswith("--from")]
    return [source for *found, _ in copies for source in found]
