"""One family of operations per file. A new file is found by itself."""
