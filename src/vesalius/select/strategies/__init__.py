"""One objective of a selection per file."""
