"""SavedModels as files: signatures, the features they parse, generations. Nothing here loads or runs one."""
