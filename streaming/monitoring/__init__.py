"""How a running job is doing: its figures, the rules that judge them, and what is shown and installed of both."""
