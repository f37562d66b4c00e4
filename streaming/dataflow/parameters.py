"""The parameters of a launch, held against the form that the template's specification gives them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streaming.arguments import flags
from streaming.dataflow.checks import is_spec
from streaming.dataflow.checks.images import check_image
from streaming.dataflow.checks.parameters import regex_fault
from streaming.dataflow.spec import PLACEHOLDER_IMAGE
from streaming.dataflow.written import read_there
from streaming.errors import Mistakes

if TYPE_CHECKING:
    from google.cloud.dataflow_v1beta3 import ContainerSpec, ParameterMetadata

_EXAMPLE = re.compile(r"For example, `([^`]*)`")


@dataclass(frozen=True)
class Template:
    """A template that jobs can be launched from.

    Attributes:
        path: where its file is, local or on gs://.
        spec: what stands in it.
    """

    path: str
    spec: ContainerSpec

    @property
    def is_remote(self) -> bool:
        """Whether the service can read the file itself."""
        return self.path.startswith("gs://")

    @property
    def parameters(self) -> dict[str, ParameterMetadata]:
        """The form of each parameter, by name."""
        return {each.name: each for each in self.spec.metadata.parameters}


def read_template(path: str) -> Template:
    """The template in the file at `path`.

    Raises:
        Mistakes: it is not there, or no job can be launched from it.
        PermanentError: Cloud Storage refuses to read it.
    """
    from google.cloud.dataflow_v1beta3 import ContainerSpec

    content = read_there(path, "--template", "`pubsub-inference template --output` writes one")
    if not is_spec(content):
        raise Mistakes([f"--template: {path} is no template of this program; `pubsub-inference template` writes one"])
    template = Template(path, ContainerSpec.from_json(content.decode(), ignore_unknown_fields=False))
    if faults := [f"--template: {path}: {fault}; render it again" for fault in _faults(template)]:
        raise Mistakes(faults)
    return template


def _faults(template: Template) -> Iterator[str]:
    image = template.spec.image
    if image == PLACEHOLDER_IMAGE:
        yield f"{image} is to be filled in"
    else:
        yield from (found.wrong for found in check_image(image, template.path))
    for name, parameter in template.parameters.items():
        for regex in parameter.regexes:
            if fault := regex_fault(regex):
                yield f"the regular expression {regex!r} of {name} {fault}"


def read_parameters(
    argv: Sequence[str], template: Template, options: Iterable[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The parameters in `argv` that the template takes, and what is wrong with all others.

    Flags are understood as `options.read` does. An empty text means unset.

    Args:
        argv: what follows the command's own options.
        template: the template.
        options: the command's own ones, in snake_case; a name that is not known may be meant for one of them.

    Returns:
        (the right values by name, a line for each mistake).
    """
    known = template.parameters
    given: dict[str, str] = {}
    mistakes: dict[str, str] = {}
    for name, value, words in flags(argv, _booleans(known)):
        if name not in known:
            mistakes[words[0]] = (
                _unknown(name, [*known, *options]) if name else f"{words[0]}: no flag; write --name=value"
            )
        elif name in given:
            mistakes[name] = f"--{name}: given twice; keep one"
        elif value is None:
            mistakes[name] = f"--{name}: no value; write {_example(known[name])}"
        given[name] = value or ""
    for name, parameter in known.items():
        if name not in mistakes and (wrong := _wrong(parameter, given.get(name, ""))):
            mistakes[name] = wrong
    right = {name: value for name, value in given.items() if value and name in known and name not in mistakes}
    return right, [*mistakes.values()]


def _booleans(parameters: Mapping[str, ParameterMetadata]) -> frozenset[str]:
    from google.cloud.dataflow_v1beta3 import ParameterType

    return frozenset(name for name, each in parameters.items() if each.param_type == ParameterType.BOOLEAN)


def _wrong(parameter: ParameterMetadata, value: str) -> str:
    """What is wrong with a parameter's value, empty if it has none; nothing if all is well."""
    if not value:
        missing = f"--{parameter.name}: missing; give {_example(parameter)}"
        return "" if parameter.is_optional else missing
    if all(re.fullmatch(regex, value) for regex in parameter.regexes):
        return ""
    if _is_local_file(parameter, value):
        return (
            f"--{parameter.name}: {value} is a local path, which Dataflow cannot read; upload its directory with "
            f"`gcloud storage cp -r DIR gs://BUCKET/`, and give {_example(parameter)}"
        )
    refused = next(regex for regex in parameter.regexes if not re.fullmatch(regex, value))
    return f"--{parameter.name}: {value!r} does not match {refused}; write it as in {_example(parameter)}"


def _is_local_file(parameter: ParameterMetadata, value: str) -> bool:
    from google.cloud.dataflow_v1beta3 import ParameterType

    return parameter.param_type == ParameterType.GCS_READ_FILE and "://" not in value


def _example(parameter: ParameterMetadata) -> str:
    """The flag with the value that its help text names, if it names one."""
    found = _EXAMPLE.search(parameter.help_text)
    return f"--{parameter.name}={found[1] if found else 'VALUE'}"


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"; did you mean --{near[0]}?" if near else "; --help lists those that there are"
    return f"--{name}: no option, and no parameter of the template{remedy}"
