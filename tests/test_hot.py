"""Generations that come, go and are refused while a model serves; every SavedModel is a real one."""

from __future__ import annotations

import logging
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest

from streaming.models import trial
from streaming.models.hot import HotModel
from streaming.models.saved_model import SavedModel
from streaming.predictors import News
from streaming.savedmodel.generations import fingerprint
from tests.builders import plan
from tests.versions import PLACE, Versions, ask, corrupt_the_graph, said, truncate_the_variables


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "streaming.models")


def test_another_generation_is_taken_up_at_second_sight(versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    versions.upload("1")
    model = versions.model()
    first = model.current()
    versions.upload("2", "times10")
    assert (model.look(), model.current() is first) == (False, True)
    assert (model.look(), ask(model.current())) == (True, ("2", [[20.0]]))
    assert (model.look(), model.news(), model.news()) == (False, [News("2")], [])
    assert ask(first) == ("1", [[10.0]])
    assert said(caplog) == ["model times5: generation 2 takes over from 1"]


def test_a_manifest_turns_to_a_generation_and_back(versions: Versions) -> None:
    versions.upload("1")
    versions.upload("2", "times10")
    versions.manifest("1")
    model = versions.model()
    assert ask(model.current()) == ("1", [[10.0]])
    versions.manifest("2")
    assert (versions.taken_up(model), ask(model.current())) == ([News("2")], ("2", [[20.0]]))
    versions.manifest("1")
    assert (versions.taken_up(model), ask(model.current())) == ([News("1")], ("1", [[10.0]]))


def test_the_highest_version_is_removed(versions: Versions) -> None:
    versions.upload("9")
    newest = versions.upload("10", "times10")
    model = versions.model()
    shutil.rmtree(newest)
    assert (versions.taken_up(model), ask(model.current())) == ([News("9")], ("9", [[10.0]]))


def test_a_saved_model_is_exported_anew_in_its_place(versions: Versions) -> None:
    export = versions.upload("export")
    model = HotModel(plan(path=str(export)))
    assert ask(model.current()) == (fingerprint(str(export)), [[10.0]])
    shutil.rmtree(export)
    versions.upload("export", "times10")
    assert versions.taken_up(model) == [News(fingerprint(str(export)))]
    assert ask(model.current()) == (fingerprint(str(export)), [[20.0]])


def test_a_refused_generation_is_reported_and_the_old_one_goes_on(
    versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    versions.upload("1")
    model = versions.model()
    reason = corrupt_the_graph(versions.upload("2", "times10"))
    assert versions.taken_up(model) == [News("2", reason)]
    assert said(caplog) == [f"model times5: generation 2 is refused: {reason}"]
    assert caplog.records[-1].levelname == "ERROR"
    assert ask(model.current()) == ("1", [[10.0]])


def test_golden_examples_keep_a_generation_out_until_the_manifest_is_corrected(versions: Versions) -> None:
    versions.upload("1")
    export = versions.upload("2", "times10")
    versions.manifest("1")
    model = versions.model()
    golden = [{"features": {"x": x}, "outputs": {"output_0": 5 * x}} for x in (0.0, 2.0)]
    versions.manifest("2", **{"2": {"golden": golden}})
    wrong = f"{export}: golden example 2: output_0 is 20.0, not 10.0 within 1e-05"
    assert versions.taken_up(model) == [News("2", f"{PLACE}: {wrong}; export the model again, or correct its manifest")]
    assert ask(model.current()) == ("1", [[10.0]])
    versions.manifest("2", **{"2": {"golden": golden, "tolerance": 2}})
    assert (versions.taken_up(model), ask(model.current())) == ([News("2")], ("2", [[20.0]]))


def test_a_fingerprint_keeps_a_generation_out_until_the_right_one_is_there(versions: Versions) -> None:
    versions.upload("1")
    wrong, right = versions.upload("wrong"), versions.upload("right", "times10")
    found, wanted = fingerprint(str(wrong)), fingerprint(str(right))
    versions.manifest("1")
    model = versions.model()
    export = wrong.rename(versions.directory / "2")
    versions.manifest("2", **{"2": {"fingerprint": wanted}})
    said = f"{export} has the fingerprint {found}, not {wanted} as the manifest says"
    assert versions.taken_up(model) == [News("2", f"{PLACE}: {said}; upload that one, or correct the manifest")]
    assert ask(model.current()) == ("1", [[10.0]])
    shutil.rmtree(export)
    right.rename(export)
    assert (versions.taken_up(model), ask(model.current())) == ([News("2")], ("2", [[20.0]]))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The versions that are loaded from now on, whether they can be or not."""
    versions: list[str | None] = []

    def load(called: Any, directory: str, version: str | None) -> SavedModel:
        versions.append(version)
        return SavedModel(called, directory, version)

    monkeypatch.setattr(trial, "SavedModel", load)
    return versions


def test_a_refused_generation_is_not_tried_again_until_its_files_change(
    versions: Versions, loads: list[str | None]
) -> None:
    versions.upload("1")
    model = versions.model()
    export = versions.upload("2", "times10")
    truncate_the_variables(export)
    versions.taken_up(model)
    assert [model.look() for _ in range(3)] == [False] * 3
    assert loads == ["1", "2"]
    shutil.rmtree(export)
    versions.upload("2", "times10")
    assert (versions.taken_up(model), loads) == ([News("2")], ["1", "2", "2"])


def test_what_is_served_is_not_loaded_again_when_the_manifest_turns_back_to_it(
    versions: Versions, loads: list[str | None]
) -> None:
    versions.upload("1")
    truncate_the_variables(versions.upload("2"))
    versions.manifest("1")
    model = versions.model()
    served = model.current()
    versions.manifest("2")
    (refused,) = versions.taken_up(model)
    versions.manifest("1")
    assert [model.look() for _ in range(3)] == [False] * 3
    assert (model.news(), model.current() is served, loads) == ([], True, ["1", "2"])
    versions.manifest("2")
    assert (versions.taken_up(model), loads) == ([refused], ["1", "2", "2"])


def test_a_generation_that_is_still_uploaded_is_left_alone(versions: Versions, loads: list[str | None]) -> None:
    versions.upload("1")
    model = versions.model()
    complete = versions.upload("elsewhere", "times10")
    seen = []
    for file in sorted((file for file in complete.rglob("*") if file.is_file()), reverse=True):
        place = versions.directory / "2" / file.relative_to(complete)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
        seen.append(model.look())
    assert (set(seen), model.look(), model.news(), loads) == ({False}, True, [News("2")], ["1", "2"])


def test_a_generation_whose_variables_come_late_is_refused_and_then_taken_up(versions: Versions) -> None:
    versions.upload("1")
    model = versions.model()
    complete = versions.upload("elsewhere", "times10")
    (versions.directory / "2").mkdir()
    shutil.copy(complete / "saved_model.pb", versions.directory / "2")
    (refused,) = versions.taken_up(model)
    assert (refused.version, refused.refusal is None, ask(model.current())) == ("2", False, ("1", [[10.0]]))
    shutil.copytree(complete / "variables", versions.directory / "2" / "variables")
    assert (versions.taken_up(model), ask(model.current())) == ([News("2")], ("2", [[20.0]]))


def test_demands_on_what_is_served_are_examined(versions: Versions) -> None:
    versions.upload("1")
    versions.manifest("1")
    model = versions.model()
    right, wrong = ({"golden": [{"features": {"x": 2}, "outputs": {"output_0": y}}]} for y in (10, 11))
    versions.manifest("1", **{"1": right})
    assert versions.taken_up(model) == [News("1")]
    versions.manifest("1", **{"1": wrong})
    (refused,) = versions.taken_up(model)
    assert (refused.version, refused.refusal is None, ask(model.current())) == ("1", False, ("1", [[10.0]]))


def test_a_manifest_that_cannot_be_understood_is_reported_once(
    versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    versions.upload("1")
    versions.upload("2", "times10")
    versions.manifest("1")
    model = versions.model()
    file = versions.directory / "manifest.json"
    for text in ("{}", "{}", "[]", "[]"):
        file.write_text(text)
        assert not model.look()
    assert said(caplog) == [
        f"model times5 goes on as it is: {PLACE}: {file}: current: missing; add it",
        f"model times5 goes on as it is: {PLACE}: {file}: manifest: write an object, as in {{}}, not []",
    ]
    assert (model.news(), ask(model.current())) == ([], ("1", [[10.0]]))
    versions.manifest("2")
    assert (versions.taken_up(model), ask(model.current())) == ([News("2")], ("2", [[20.0]]))
    caplog.clear()
    file.write_text("[]")
    assert (model.look(), len(said(caplog))) == (False, 1)


def test_a_directory_that_has_gone_changes_nothing(versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    versions.upload("1")
    model = versions.model()
    shutil.rmtree(versions.directory)
    assert [model.look(), model.look()] == [False, False]
    assert said(caplog) == [
        f"model times5 goes on as it is: {PLACE}: no directory {versions.directory}; correct the path"
    ]
    assert ask(model.current()) == ("1", [[10.0]])


def test_a_refused_saved_model_without_a_version_goes_by_its_fingerprint(versions: Versions) -> None:
    export = versions.upload("export")
    model = HotModel(plan(path=str(export)))
    truncate_the_variables(export)
    (refused,) = versions.taken_up(model)
    assert refused.version == fingerprint(str(export))


def test_models_of_different_plans_do_not_know_of_each_other(tmp_path: Path, saved_models: Path) -> None:
    first, second = (Versions(tmp_path / name, saved_models) for name in ("first", "second"))
    first.upload("1")
    second.upload("1", "times10")
    models = first.model(), second.model()
    first.upload("2", "times10")
    assert (first.taken_up(models[0]), models[1].look(), models[1].look()) == ([News("2")], False, False)
    assert [ask(model.current()) for model in models] == [("2", [[20.0]]), ("1", [[20.0]])]


def test_a_generation_goes_when_the_last_batch_lets_go_of_it(versions: Versions) -> None:
    versions.upload("1")
    model = versions.model()
    in_hand = model.current()
    gone = weakref.ref(in_hand)
    versions.upload("2", "times10")
    versions.taken_up(model)
    assert ask(in_hand) == ("1", [[10.0]])
    del in_hand
    model.look()
    assert gone() is None
