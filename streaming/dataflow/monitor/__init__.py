"""Looks at a job on Dataflow: each service is asked on its own, and what one does not say the others still do."""
