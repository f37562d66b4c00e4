"""The files of the repository: equal to what is generated, and read strictly by the official types."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy

from streaming.monitoring.alerts import alert_policy
from streaming.monitoring.dashboard import dashboard
from streaming.monitoring.files import contents, write
from streaming.monitoring.rule import Rule
from streaming.monitoring.rules import RULES
from streaming.monitoring.target import PLACEHOLDERS

COMMITTED = Path(__file__).parents[1] / "monitoring"


def files(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.json")}


def test_the_files_are_what_is_generated() -> None:
    assert files(COMMITTED) == contents(), "run: make monitoring"


def test_the_dashboard_is_read_by_its_type() -> None:
    text = (COMMITTED / "dashboard.json").read_text()
    assert Dashboard.from_json(text, ignore_unknown_fields=False) == dashboard(PLACEHOLDERS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_an_alert_that_is_read_by_its_type(rule: Rule) -> None:
    text = (COMMITTED / "alerts" / f"{rule.name}.json").read_text()
    assert AlertPolicy.from_json(text, ignore_unknown_fields=False) == alert_policy(rule, PLACEHOLDERS)


def test_alerts_of_rules_that_are_no_more_are_removed(tmp_path: Path) -> None:
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "old.json").write_text("{}")
    write(tmp_path)
    write(tmp_path)
    assert files(tmp_path) == contents()
