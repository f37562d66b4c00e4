"""Rehearsals: what is said of a model before any process of a job loads it; every SavedModel is a real one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from streaming.models.rehearsal import Rehearsal, rehearse
from streaming.savedmodel.generations import fingerprint
from streaming.wiring import EnsembleCall, Member, ModelPlan, RemoteCall, SavedModelCall
from tests.builders import plan, save_picky
from tests.versions import Versions, corrupt_the_graph


def rehearsed(model: ModelPlan) -> Rehearsal:
    """What came of it, and of a model that was loaded without the time that it took."""
    rehearsal = rehearse(model)
    assert rehearsal is not None
    assert (rehearsal.seconds > 0.0) == (rehearsal.generation is not None)
    return replace(rehearsal, seconds=0.0)


def test_a_model_that_can_be_served(versions: Versions) -> None:
    versions.upload("1", "times10")
    export = versions.upload("2")
    model = plan(path=str(versions.directory))
    assert rehearsed(model) == Rehearsal("times5", "2", fingerprint(str(export)))


def test_a_model_without_versions_goes_by_its_fingerprint(saved_models: Path) -> None:
    export = str(saved_models / "times5")
    assert rehearsed(plan(path=export)) == Rehearsal("times5", fingerprint(export), fingerprint(export))


def test_a_model_that_refuses_the_blank_example_complains_and_can_be_served(tmp_path: Path) -> None:
    save_picky(tmp_path, 0.0)
    mark = fingerprint(str(tmp_path))
    rehearsal = rehearsed(plan(path=str(tmp_path)))
    assert rehearsal.complaint is not None
    assert rehearsal.complaint.startswith("assertion failed: [no 0.0]")
    assert replace(rehearsal, complaint=None) == Rehearsal("times5", mark, mark)


def test_an_older_generation_is_served_while_the_current_one_is_refused(versions: Versions) -> None:
    export = versions.upload("8", "times10")
    corrupt_the_graph(versions.upload("9"))
    wrong = corrupt_the_graph(versions.upload("10"))
    model = plan(path=str(versions.directory))
    assert rehearsed(model) == Rehearsal("times5", "8", fingerprint(str(export)), wrong=wrong)


def test_no_generation_can_be_served(versions: Versions) -> None:
    corrupt_the_graph(versions.upload("1"))
    wrong = corrupt_the_graph(versions.upload("2"))
    assert rehearsed(plan(path=str(versions.directory))) == Rehearsal("times5", wrong=wrong)


def test_there_is_no_model(tmp_path: Path) -> None:
    wrong = f"models.times5.path: no directory {tmp_path}/export; correct the path"
    assert rehearsed(plan(path=str(tmp_path / "export"))) == Rehearsal("times5", wrong=wrong)


def test_nobody_looks_for_other_generations_afterwards(versions: Versions) -> None:
    export = versions.upload("1")
    watched = SavedModelCall(str(versions.directory), watch=timedelta(hours=1))
    before = set(threading.enumerate())
    assert rehearsed(plan("watched", call=watched)) == Rehearsal("watched", "1", fingerprint(str(export)))
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "call",
    [
        RemoteCall("http://127.0.0.1:1/v1/models/toy"),
        RemoteCall("projects/p/locations/l/endpoints/1"),
        EnsembleCall("mean", (Member("model:a", "prediction"), Member("model:b", "prediction"))),
    ],
)
def test_what_no_process_loads_is_not_rehearsed(call: RemoteCall | EnsembleCall) -> None:
    assert rehearse(plan(call=call)) is None
