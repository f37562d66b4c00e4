"""The commands of a template's life: each a thin function that `cli` registers."""
