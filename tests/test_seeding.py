"""Seeded generators: each purpose and each block has its own."""

from producers.devices.seeding import generator


def first(*arguments: object) -> float:
    return float(generator(*arguments).random())  # type: ignore[arg-type]


def test_the_same_arguments_give_the_same_numbers() -> None:
    assert generator(7, "noise", 3).random(4).tolist() == generator(7, "noise", 3).random(4).tolist()


def test_another_seed_purpose_or_block_gives_other_numbers() -> None:
    drawn = [first(*each) for each in [(7, "a"), (8, "a"), (7, "b"), (7, "a", 0), (7, "a", 1), (2**70, "a")]]
    assert len(set(drawn)) == len(drawn)
