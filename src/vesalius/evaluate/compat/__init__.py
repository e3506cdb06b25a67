"""``compat: ssl-medicalimaging``: Anton et al.'s ways of measuring, its words, its logs and the tree of its results.

Anton, Castelli, Chan, Outters, Tang, Cheung, Shukla, Walambe and Kotecha, "How well do self-supervised models transfer to medical imaging?"
(Journal of Imaging, 2022). Brought back are its labels, divisions and settings, so that its numbers can be held against ours; of its
faults only those of measurement, and each is said.
"""

from __future__ import annotations

from vesalius.evaluate.compat.logs import write_logs
from vesalius.evaluate.compat.tree import write_tree
from vesalius.evaluate.compat.words import (
    ALL,
    SENTENCES,
    WORD,
    measure,
    most,
    original_key,
    pictured,
    placed,
    sentences,
)

__all__ = ["ALL", "SENTENCES", "WORD", "measure", "most", "original_key", "pictured", "placed", "sentences", "write_logs", "write_tree"]
