"""The models that a process holds: SavedModels and their generations, remote endpoints, ensembles."""
