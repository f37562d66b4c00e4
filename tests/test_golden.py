"""The example's job on recorded messages: every row, message and dead letter, compared whole."""

import json
from pathlib import Path

from tests.golden import GOLDEN, golden_run


def test_the_example_gives_what_it_gave_before(tmp_path: Path) -> None:
    assert golden_run(tmp_path) == json.loads(GOLDEN.read_text())
