"""Where `pubsub-inference` and `python -m streaming` begin."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; Ctrl-C ends it with a code of its own, even while the command is still being imported."""
    try:
        from streaming.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # as of a process that Ctrl-C ends


if __name__ == "__main__":
    main()
