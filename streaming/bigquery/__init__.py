"""BigQuery: its tables at launch, the Storage Write API, and insertAll for dead letters."""
