"""Pure functions of features and predictions, written once for monitors, probes and selection.

Tensors on any device go in, numbers or tensors come out; a NaN label means unknown. Nothing here reads or writes files.
"""

from __future__ import annotations
