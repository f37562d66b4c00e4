"""The README says what the program does."""

import re
from pathlib import Path

from streaming.job import parse_job
from streaming.options import table_of_help

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_table_of_parameters_is_the_programs() -> None:
    table = [f"| `{flag}` | {default} | {meaning} |" for flag, default, meaning in table_of_help()]
    assert re.findall(r"^\| `--.*$", README, re.MULTILINE) == table


def test_the_job_file_shown_is_a_job_file() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    job = parse_job(shown, "examples/multiply/job.yaml")
    assert list(job.models) == ["times5", "times10"]


def test_every_link_into_the_repository_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= targets
