"""What cells are worth: measures, intervals, differences, and what stands beside every table."""
