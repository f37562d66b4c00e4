"""From bytes to columns: Avro binary, Avro JSON, plain JSON, and times. Pure functions on Arrow."""
