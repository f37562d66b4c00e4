"""The frame of a TFRecord against Beam's writer."""

import numpy as np
import pytest

from streaming.stored.tfrecord_frame import HEADER, framed, length_of, masked
from tests.stored_cases import tfrecords

RECORDS = [b"one", b"", b"three" * 100]


def test_records_are_framed_as_beam_frames_them() -> None:
    assert b"".join(framed(RECORDS)) == tfrecords(RECORDS)


def test_a_header_says_the_length_of_its_record() -> None:
    assert [length_of(tfrecords([record])[: HEADER.size]) for record in RECORDS] == [3, 0, 500]


@pytest.mark.parametrize("position", [0, 7, 8, 11])
def test_a_header_with_a_flipped_bit_says_nothing(position: int) -> None:
    header = bytearray(tfrecords(RECORDS)[: HEADER.size])
    header[position] ^= 0x80
    assert length_of(bytes(header)) is None


def test_an_array_of_checksums_is_masked_as_each_of_them() -> None:
    checksums = np.array([0, 1, 0x7FFF, 0x8000, 0x5D7D1528, 0xFFFFFFFF], np.uint32)
    both = masked(checksums)
    assert both.dtype == np.uint32
    assert both.tolist() == [masked(each) for each in checksums.tolist()]
