"""A selection as another tool reads it, one per file."""
