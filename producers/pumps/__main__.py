"""`python -m producers.pumps --output_dir examples/pumps/models`: trains, saves and measures the pumps' models."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from producers.pumps.quality import report
from producers.pumps.train import WHOLE, train
from producers.training import output_dir


def main(argv: Sequence[str] | None = None) -> None:
    """Trains the models into the directory that the command line names, and says how good they are."""
    directory = output_dir("producers.pumps", Path("examples/pumps/models"), argv)
    train(directory, WHOLE)
    logging.getLogger("producers.pumps").info("%s", report(directory))


if __name__ == "__main__":
    main()
