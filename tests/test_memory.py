"""What a process holds of models, and what is left when they have gone."""

import gc
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import tensorflow as tf

from streaming.models.hot import HotModel
from streaming.models.memory import give_back, spare_the_collector
from tests.builders import plan, save_model
from tests.versions import Versions

MEGABYTE = 1_000_000


class Circle:
    """An object that only the garbage collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def _no_collection_of_its_own() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection_of_its_own")
def test_what_only_the_collector_can_free_is_given_back() -> None:
    gone = weakref.ref(Circle())
    assert gone() is not None
    give_back()
    assert gone() is None


@pytest.mark.usefixtures("_no_collection_of_its_own")
def test_what_a_process_starts_with_is_frozen_and_models_are_not(saved_models: Path) -> None:
    spare_the_collector()
    frozen = gc.get_freeze_count()
    gone = weakref.ref(Circle())
    model = HotModel(plan(path=str(saved_models / "times5")))
    assert (gc.get_freeze_count() <= frozen, frozen > 100_000, model.look()) == (True, True, False)
    give_back()
    assert gone() is None


@pytest.mark.usefixtures("_no_collection_of_its_own")
def test_a_look_clears_away_what_generations_leave_when_they_go(saved_models: Path, tmp_path: Path) -> None:
    versions = Versions(tmp_path / "versions", saved_models)
    versions.upload("1")
    model = versions.model()
    in_hand = model.current()
    at_the_swap = weakref.ref(Circle())
    versions.upload("2")
    assert (model.look(), model.look(), at_the_swap()) == (False, True, None)
    when_it_is_let_go = weakref.ref(Circle())
    assert (model.look(), when_it_is_let_go() is None) == (False, False)
    assert in_hand.version == "1"
    del in_hand
    assert (model.look(), when_it_is_let_go()) == (False, None)


def memory() -> float:
    return psutil.Process().memory_info().rss / MEGABYTE


def test_memory_does_not_grow_with_generations(tmp_path: Path) -> None:
    megabytes, versions = 50, tmp_path / "versions"
    large = tf.Variable(tf.ones([megabytes * MEGABYTE // 4]))
    save_model(versions / "1", lambda x: {"output_0": x * large[0]}, large)
    model = HotModel(plan(path=str(versions)))
    after = []
    for version in range(2, 7):
        shutil.copytree(versions / "1", versions / str(version))
        assert (model.look(), model.look()) == (False, True)
        after.append(memory())
    assert max(after) - after[0] < 1.5 * megabytes
