"""The commands of the fleet: thin functions that typer calls."""
