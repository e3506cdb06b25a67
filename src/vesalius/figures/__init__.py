"""Figures that are looked at: maps in colours, sheets of pictures with words, tables of numbers in colours; all as PNG bytes.

Equal input gives equal bytes. Colours are told apart by people who see few of them; a sheet's words are as large as a page needs that
shows the sheet at about 900 pixels.
"""

from vesalius.figures.canvas import png
from vesalius.figures.heat import MAPS, coloured, overlaid
from vesalius.figures.sheets import grid
from vesalius.figures.tables import heat_table

__all__ = ["MAPS", "coloured", "grid", "heat_table", "overlaid", "png"]
