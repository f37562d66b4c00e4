"""Dead letters back into the job's input topic."""
