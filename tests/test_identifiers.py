"""Identifiers are UUIDs, all different, and the same from the same generator."""

import uuid

import numpy as np

from producers.synthesis.identifiers import identifiers


def test_identifiers_are_uuids_of_version_4() -> None:
    made = [uuid.UUID(text) for text in identifiers(500, np.random.default_rng(1)).to_pylist()]
    assert {(each.version, each.variant) for each in made} == {(4, uuid.RFC_4122)}
    assert len(set(made)) == 500


def test_identifiers_are_written_as_uuids_are() -> None:
    texts = identifiers(5, np.random.default_rng(1)).to_pylist()
    assert texts == [str(uuid.UUID(text)) for text in texts]
    assert texts == identifiers(5, np.random.default_rng(1)).to_pylist()


def test_none_are_made_for_no_message() -> None:
    assert identifiers(0, np.random.default_rng(1)).to_pylist() == []
