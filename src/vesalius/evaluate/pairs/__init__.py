"""Each encoder on each data set: opened, prepared, measured by a protocol."""
