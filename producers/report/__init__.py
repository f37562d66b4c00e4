"""A score as a person or a machine reads it."""
