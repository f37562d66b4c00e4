"""What several test modules share and is made once."""

from pathlib import Path

import pytest

from tests import builders


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of SavedModels, each named for what it does."""
    directory = tmp_path_factory.mktemp("saved_models")
    builders.save_multiplier(directory / "times5", 5.0)
    builders.save_multiplier(directory / "times10", 10.0)
    builders.save_keras(directory / "keras", 5.0)
    builders.save_classic(directory / "classic", 5.0, ["serve+gpu", "serve"])
    builders.save_picky(directory / "picky", 13.0)
    builders.save_root(directory / "root")
    builders.save_many_outputs(directory / "many_outputs")
    builders.save_dropping(directory / "dropping")
    return directory
