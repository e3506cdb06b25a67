"""One self-supervised method per file."""
