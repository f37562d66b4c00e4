"""Dead letters as the emulator's table gives them: those that are wanted, all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from producers.replaying.letters import Selection
from producers.replaying.replay_summary import FailedAt
from tests.integration.dead_letters import NOW, Letters, done, infer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.usefixtures("emulators")]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["1", "2", "3"]),
        (Selection(stages=("decode", "event_time")), ["1", "3"]),
        (Selection(error_classes=("ModelFailedError",)), ["2"]),
        (Selection(model="a"), ["2"]),
        (Selection(since=NOW, until=NOW + timedelta(seconds=1)), ["1", "2", "3"]),
        (Selection(since=NOW + timedelta(microseconds=1)), []),
        (Selection(until=NOW), []),
    ],
)
def test_the_query_of_the_table_selects_as_a_selection_does(
    letters: Letters, selection: Selection, expected: list[str]
) -> None:
    letters.write({"message_id": "1"}, infer("a", "2"), {"message_id": "3", "stage": "event_time"})
    summary = done(letters.plan(selection=selection))
    assert [attributes["original_message_id"] for _, attributes in letters.published()] == expected
    assert (summary.messages, summary.left_out) == (len(expected), {})
    there = {FailedAt("decode", None): 1, FailedAt("infer:a", "a"): 1, FailedAt("event_time", None): 1}
    assert summary.unwanted == ({} if expected else there)


def test_a_table_of_several_pages_is_read_whole(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.replaying.letters_table.PAGE_ROWS", 100)
    letters.write(*({"message_id": str(number % 200)} for number in range(250)))
    summary = done(letters.plan())
    assert (summary.messages, summary.letters) == (200, 250)
    assert len(letters.published()) == 200
