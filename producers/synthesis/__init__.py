"""What devices measure made messages: payloads, faults, and what must come of each."""
