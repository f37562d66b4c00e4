"""The parts of a score: what must come of each message, what came, and what of that is wrong."""
