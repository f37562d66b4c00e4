"""A Dockerfile, read: its instructions by stage, its bases, and what it copies from where to where."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from string import Template
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction: `stage` is the name of the last FROM, or its number from 0, and `""` before the first."""

    line: int
    stage: str
    word: str
    arguments: str


class Copy(NamedTuple):
    """A COPY: `origin` is the stage or image that is copied from, `""` for the repository; `target` is absolute."""

    line: int
    origin: str
    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True)
class Dockerfile:
    """All instructions, in order, without comments, each on one line."""

    instructions: tuple[Instruction, ...]

    @classmethod
    def parse(cls, text: str) -> Dockerfile:
        """The Dockerfile of its text.

        Raises:
            ValueError: an instruction without arguments, or with such as cannot be read.
        """
        found: list[Instruction] = []
        stage, stages = "", 0
        for line, instruction in _logical_lines(text):
            word, *rest = instruction.split(maxsplit=1)
            if not rest:
                raise ValueError(f"line {line}: {word} without arguments")
            if word.upper() == "FROM":
                stage, stages = _image_and_name(rest[0])[1] or str(stages), stages + 1
            found.append(Instruction(line, stage, word.upper(), rest[0]))
            _prove(found[-1])
        return cls(tuple(found))

    def of(self, word: str, *stages: str) -> Iterator[Instruction]:
        """The instructions that begin with `word`, in all stages or in those named."""
        return (each for each in self.instructions if each.word == word and (not stages or each.stage in stages))

    def arguments_of(self, word: str, *stages: str) -> list[str]:
        """What stands after each `word`, in all stages or in those named."""
        return [each.arguments for each in self.of(word, *stages)]

    def pairs_of(self, word: str, *stages: str) -> dict[str, str]:
        """The `name=value` pairs of all ARG, ENV or LABEL instructions; the value is empty where none is given."""
        found = [pair for arguments in self.arguments_of(word, *stages) for pair in shlex.split(arguments)]
        return {name: value for name, _, value in (pair.partition("=") for pair in found)}

    def bases(self) -> list[tuple[int, str]]:
        """Line and image of each FROM that names no earlier stage, with the defaults of the build's arguments."""
        defaults = self.pairs_of("ARG", "")
        stages: set[str] = set()
        found = []
        for each in self.of("FROM"):
            image = _image_and_name(each.arguments)[0]
            if image not in stages:
                found.append((each.line, Template(image).safe_substitute(defaults)))
            stages.add(each.stage)
        return found

    def final_stages(self) -> list[str]:
        """The last stage, which becomes the image, after those that it is made from."""
        makers = {each.stage: _image_and_name(each.arguments)[0] for each in self.of("FROM")}
        stages = [*makers][-1:]
        while stages and makers[stages[0]] in makers:
            stages.insert(0, makers[stages[0]])
        return stages

    def copies(self, *stages: str) -> Iterator[Copy]:
        """Each COPY of all stages or of those named."""
        directories = {"": "/"}
        for each in self.instructions:
            if each.word == "FROM":
                directories[each.stage] = directories.get(_image_and_name(each.arguments)[0], "/")
            elif each.word == "WORKDIR":
                directories[each.stage] = posixpath.join(directories[each.stage], each.arguments)
            elif each.word == "COPY" and (not stages or each.stage in stages):
                yield _copy(each, directories[each.stage])

    def sources(self) -> list[str]:
        """What is copied out of the repository."""
        return [source for each in self.copies() if not each.origin for source in each.sources]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each instruction on one line, with the number of its first."""
    first, parts = 0, [""]
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first = first if parts[1:] else number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield first, "".join(parts).strip()
            parts = [""]


def _prove(instruction: Instruction) -> None:
    """Read it as it will be.

    Raises:
        ValueError: that does not go.
    """
    try:
        if instruction.word in ("ARG", "ENV", "LABEL"):
            shlex.split(instruction.arguments)
        elif instruction.word == "COPY":
            _copy(instruction, "/")
    except json.JSONDecodeError as error:
        form = 'is not of the form ["SOURCE", "TARGET"]'
        raise ValueError(f"line {instruction.line}: COPY {instruction.arguments} {form}") from error
    except ValueError as error:
        raise ValueError(f"line {instruction.line}: {error}") from error


def _image_and_name(arguments: str) -> tuple[str, str]:
    """The image, and the stage's name if it has one, of what stands after FROM."""
    image, *name = [word for word in arguments.split() if not word.startswith("--")]
    return image, name[1] if len(name) == len(("AS", "name")) else ""


def _copy(instruction: Instruction, directory: str) -> Copy:
    flags = [word for word in instruction.arguments.split() if word.startswith("--")]
    rest = re.sub(r"^(?:--\S+\s+)*", "", instruction.arguments)
    *sources, target = json.loads(rest) if rest.startswith("[") else rest.split()
    origin = next((flag.removeprefix("--from=") for flag in flags if flag.startswith("--from=")), "")
    return Copy(instruction.line, origin, tuple(sources), posixpath.join(directory, target))
