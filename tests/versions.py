"""Directories of versions, which tests fill while a model serves out of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from streaming.features import ToExamples
from streaming.models.hot import HotModel
from streaming.predictors import News, Predictor
from tests.builders import X, plan, readings

PLACE = "models.times5.path"


class Versions:
    """A directory of versions, copied from SavedModels that multiply."""

    def __init__(self, directory: Path, saved_models: Path) -> None:
        directory.mkdir(parents=True)
        self.directory, self._saved_models = directory, saved_models

    def upload(self, version: str, name: str = "times5") -> Path:
        """All files at once, so that the thread of a test can see no half of them."""
        copy = shutil.copytree(self._saved_models / name, self.directory.parent / "upload")
        return Path(copy.rename(self.directory / version))

    def manifest(self, now: str, **listed: Any) -> None:
        (self.directory / "manifest.json").write_text(json.dumps({"current": now, "generations": listed}))

    def model(self) -> HotModel:
        return HotModel(plan(path=str(self.directory)))

    def taken_up(self, model: HotModel) -> list[News]:
        """Look twice, as a change is not taken up at first sight; what became of it."""
        assert not model.look()
        assert model.look()
        assert not model.look()
        return list(model.news())


def ask(predictor: Predictor) -> tuple[str | None, object]:
    """The version, and what it makes of 2."""
    rows = ToExamples([X])(readings([2.0])).rows
    return predictor.version, predictor.predict(rows).values["output_0"].tolist()


def corrupt_the_graph(export: Path) -> str:
    """Damage the SavedModel; what is said of it then."""
    (export / "saved_model.pb").write_bytes(b"\xff")
    wrong = "is corrupt (Error parsing message with type 'tensorflow.SavedModel')"
    return f"{PLACE}: {export}/saved_model.pb {wrong}; export the model again"


def truncate_the_variables(export: Path) -> None:
    (data,) = export.glob("variables/variables.data*")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What this project has logged, as against TensorFlow."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("streaming.")]
