"""Refused messages are counted by reason, and those that a fault explains."""

from producers.publishing.refused import Refused
from tests.publish_cases import block, message


def test_reasons_and_planted_faults_are_counted() -> None:
    refused = Refused()
    faults = ["truncated", "late", "schema_change", None]
    stages = ["decode", None, None, None]
    rows = [message(n, fault=fault, stage=stage) for n, (fault, stage) in enumerate(zip(faults, stages, strict=True))]
    refused.sending(block(rows).rows)
    assert (refused.reason, refused.planted) == ("", 0)
    refused.refused([0], "bad")
    refused.refused([1, 3], "too large")
    assert (refused.reason, refused.planted) == ("too large", 1)
    refused.refused([2], "bad")
    assert refused.planted == 2


def test_what_is_taken_is_never_counted() -> None:
    refused = Refused()
    refused.sending(block([message(0, fault="schema_change")]).rows)
    refused.taken([0])
    refused.refused([0], "bad")
    assert refused.planted == 0
