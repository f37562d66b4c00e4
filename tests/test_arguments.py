"""Flags as they are written, and what their values mean."""

from __future__ import annotations

import pytest

from streaming.arguments import flags, value_of, wrong_value
from streaming.errors import Mistakes


def test_a_flag_is_written_in_either_case_with_its_value_behind_it_or_next_to_it() -> None:
    argv = ["--job-file=a.yaml", "--job_file", "b.yaml", "--window=", "stray", "--name"]
    assert list(flags(argv, booleans=())) == [
        ("job_file", "a.yaml", ["--job-file=a.yaml"]),
        ("job_file", "b.yaml", ["--job_file", "b.yaml"]),
        ("window", "", ["--window="]),
        ("", None, ["stray"]),
        ("name", None, ["--name"]),
    ]


def test_a_boolean_takes_no_value_but_behind_an_equals_sign() -> None:
    assert list(flags(["--no-auth", "stray", "--no-auth=false"], booleans=["no_auth"])) == [
        ("no_auth", "true", ["--no-auth"]),
        ("", None, ["stray"]),
        ("no_auth", "false", ["--no-auth=false"]),
    ]


def test_a_value_is_what_it_means() -> None:
    assert value_of("--limit", "12", int) == 12
    assert [*wrong_value("--limit", "12", int), *wrong_value("--limit", None, int)] == []


def test_a_value_that_means_nothing_is_a_mistake() -> None:
    wrong = "--limit: invalid literal for int() with base 10: 'many'"
    with pytest.raises(Mistakes) as caught:
        value_of("--limit", "many", int)
    assert caught.value.lines == (wrong,)
    assert list(wrong_value("--limit", "many", int)) == [wrong]
