"""Which generations of a model lie at a path, and what tells their contents apart. No SavedModel is loaded.

A path is a SavedModel, which is a generation of its own; or a directory of versions, as TensorFlow Serving uses them:
`1/`, `2/`, ..., of which the highest is current; or a directory with a manifest that says which is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from streaming.errors import Mistakes
from streaming.files import list_files, read_file
from streaming.savedmodel.manifest import DEFAULT_TOLERANCE, MANIFEST, Golden, Listed, Manifest, read_manifest

SAVED_MODEL = "saved_model.pb"
_INDEX = "variables/variables.index"
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Generation:
    """One SavedModel of those that a model has had, and what the manifest demands of it.

    Attributes:
        version: its directory's name; None where the path is the SavedModel.
        directory: of the SavedModel.
        fingerprint: that it must have; None for any.
        golden: examples that it must answer as they say.
        tolerance: how far its numbers may be off, relatively or absolutely.
    """

    version: str | None
    directory: str
    fingerprint: str | None = None
    golden: tuple[Golden, ...] = ()
    tolerance: float = DEFAULT_TOLERANCE


def current(path: str, place: str) -> Generation:
    """The generation to serve.

    Args:
        path: local or gs://: a SavedModel, a directory of versions, or a directory with a manifest.
        place: the key of the job file that names the path, for the error message.

    Raises:
        Mistakes: the path cannot be listed, holds no generation, or its manifest is wrong or names none that exists.
    """
    return generations(path, place)[0]


def generations(path: str, place: str) -> tuple[Generation, ...]:
    """The generation to serve, and after it those to fall back to, best first; arguments and errors as `current`.

    A process that starts while the current generation cannot be served falls back to an older version: a lower number,
    or another generation of the manifest, the one that it lists last first.
    """
    path = path.rstrip("/")
    names = {file.name for file in list_files(path, place)}
    if MANIFEST in names:
        return _listed(path, read_manifest(f"{path}/{MANIFEST}", place), _versions(names), place)
    if SAVED_MODEL in names:
        return (Generation(None, path),)
    numbered = sorted(filter(_NUMBER.fullmatch, _versions(names)), key=lambda name: (int(name), name), reverse=True)
    if not numbered:
        wrong = f"{path} holds neither {SAVED_MODEL}, nor a version (1/{SAVED_MODEL}), nor {MANIFEST}"
        raise Mistakes([f"{place}: {wrong}; export a model there, or correct the path"])
    return tuple(Generation(version, f"{path}/{version}") for version in numbered)


def fingerprint(directory: str, place: str = "model") -> str:
    """What tells one export of a SavedModel from another: a hash of graph, variables' checksums and assets.

    Args:
        directory: of the SavedModel, local or gs://.
        place: what names it, for the error message.

    Returns:
        16 hexadecimal digits.

    Raises:
        Mistakes: there is no SavedModel, or it cannot be read.
    """
    digest = hashlib.sha256()
    names = [file.name for file in list_files(directory, place)]
    index = [name for name in names if name == _INDEX]
    assets = [name for name in names if name.startswith("assets/")]  # vocabularies, for one
    for name in (SAVED_MODEL, *index, *assets):
        digest.update(f"/{name}".encode())
        digest.update(read_file(f"{directory}/{name}", place))
    return digest.hexdigest()[:16]


def stamp(directory: str, place: str = "model") -> str:
    """What changes when any file below `directory` does; arguments and errors as `fingerprint`. No file is read."""
    return hashlib.sha256(repr(list_files(directory, place)).encode()).hexdigest()[:16]


def _versions(names: Iterable[str]) -> set[str]:
    """The subdirectories that hold a SavedModel."""
    parts = (name.split("/") for name in names)
    return {version for version, *file in parts if file == [SAVED_MODEL]}


def _listed(path: str, manifest: Manifest, there: set[str], place: str) -> tuple[Generation, ...]:
    if manifest.current not in there:
        wrong = f"{path}/{MANIFEST}: current: there is no {path}/{manifest.current}/{SAVED_MODEL}"
        others = ", ".join(sorted(there)) or "none yet"
        raise Mistakes([f"{place}: {wrong}; upload it, or name one of those there ({others})"])
    older = [version for version in reversed(manifest.generations) if version in there - {manifest.current}]
    return tuple(
        _demanded(path, version, manifest.generations.get(version, Listed())) for version in (manifest.current, *older)
    )


def _demanded(path: str, version: str, listed: Listed) -> Generation:
    return Generation(version, f"{path}/{version}", listed.fingerprint, listed.golden, listed.tolerance)
