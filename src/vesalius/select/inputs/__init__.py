"""What objectives are computed from, one kind per file."""
