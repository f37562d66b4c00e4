"""The dashboard and the alert policies as files, with placeholders for job and subscription: `monitoring/`.

`python -m streaming.monitoring.files DIRECTORY` writes them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from streaming.monitoring.alerts import alert_policy
from streaming.monitoring.dashboard import dashboard
from streaming.monitoring.rules import RULES
from streaming.monitoring.target import PLACEHOLDERS


def contents() -> dict[str, str]:
    """The text of each file, by its path in the directory."""
    policies = {f"alerts/{rule.name}.json": _text(alert_policy(rule, PLACEHOLDERS)) for rule in RULES}
    return {"dashboard.json": _text(dashboard(PLACEHOLDERS)), **policies}


def write(directory: Path) -> None:
    """Write all files, and remove the alerts of rules that are no more."""
    wanted = {directory / path: text for path, text in contents().items()}
    (directory / "alerts").mkdir(parents=True, exist_ok=True)
    for path in directory.glob("alerts/*.json"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text)


def _text(message: Any) -> str:
    """The message as JSON, with its enums by name and nothing that is not set."""
    said = type(message).to_json(message, use_integers_for_enums=False, including_default_value_fields=False)
    return json.dumps(json.loads(said), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
