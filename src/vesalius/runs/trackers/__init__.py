"""Where a run is written beside its folder: one tracker per file, found by name through the registry."""
