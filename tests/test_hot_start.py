"""Which generation a process serves when it starts."""

from __future__ import annotations

import shutil

import pytest

from streaming.errors import PermanentError
from streaming.predictors import News
from tests.versions import PLACE, Versions, ask, corrupt_the_graph, said


def test_the_current_generation_is_loaded_at_once(versions: Versions, caplog: pytest.LogCaptureFixture) -> None:
    versions.upload("1", "times10")
    versions.upload("2")
    model = versions.model()
    assert ask(model.current()) == ("2", [[10.0]])
    assert (model.look(), model.news(), said(caplog)) == (False, [], [])


def test_a_process_that_starts_while_bad_generations_are_current_serves_an_older_one(
    versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    versions.upload("8", "times10")
    versions.upload("9")
    for version in ("10", "11"):
        corrupt_the_graph(versions.upload(version))
    model = versions.model()
    assert ask(model.current()) == ("9", [[10.0]])
    assert [news.version for news in model.news() if news.refusal] == ["11", "10"]
    assert [message.split(":")[1] for message in said(caplog)] == [
        " generation 11 is refused",
        " generation 10 is refused",
    ]
    assert not any([model.look(), model.look()])
    shutil.rmtree(versions.directory / "11")
    versions.upload("11", "times10")
    assert (versions.taken_up(model), ask(model.current())) == ([News("11")], ("11", [[20.0]]))


def test_a_process_falls_back_to_what_the_manifest_lists(versions: Versions) -> None:
    versions.upload("1", "times10")
    versions.upload("2")
    versions.upload("3")
    versions.manifest("3", **{"1": {}, "2": {"fingerprint": "0" * 16}, "3": {"fingerprint": "0" * 16}})
    model = versions.model()
    assert ask(model.current()) == ("1", [[20.0]])
    assert [news.version for news in model.news()] == ["3", "2"]


def test_no_generation_can_be_served(versions: Versions) -> None:
    reasons = [corrupt_the_graph(versions.upload(version)) for version in ("1", "2")]
    with pytest.raises(PermanentError) as caught:
        versions.model()
    assert str(caught.value) == reasons[1]


def test_there_is_no_generation(versions: Versions) -> None:
    with pytest.raises(PermanentError) as caught:
        versions.model()
    assert str(caught.value) == (
        f"{PLACE}: {versions.directory} holds neither saved_model.pb, nor a version (1/saved_model.pb), "
        "nor manifest.json; export a model there, or correct the path"
    )
