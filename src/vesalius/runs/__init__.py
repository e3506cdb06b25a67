"""Run directories and where to find them."""

from vesalius.runs.finding import every, find
from vesalius.runs.run import FIGURES, TIMES, Run, home, refuse_taken

__all__ = ["FIGURES", "TIMES", "Run", "every", "find", "home", "refuse_taken"]
