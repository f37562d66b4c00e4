"""The pump fleet's models: what they learn from the simulator's history, and how well they do on one they never saw."""
