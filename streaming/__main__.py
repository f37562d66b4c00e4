"""`python -m streaming` is `pubsub-inference`."""

from streaming.cli import main

if __name__ == "__main__":
    main()
