"""``docs/walkthroughs.md``: four journeys walked by a stranger, every command typed and what was printed."""
