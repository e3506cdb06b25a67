"""Run directories and where to find them."""

from vesalius.runs.content import TIMES
from vesalius.runs.finding import every, find, settled
from vesalius.runs.run import FIGURES, Run, home, refuse_taken

__all__ = ["FIGURES", "TIMES", "Run", "every", "find", "home", "refuse_taken", "settled"]
