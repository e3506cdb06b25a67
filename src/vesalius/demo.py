"""``vesalius demo``: the whole story in a few minutes on real images inside an installed package, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.pretrain import Pretrained, pretrain
from vesalius.runs import Run
from vesalius.terminal import Terminal

if TYPE_CHECKING:
    from vesalius.select.verb import Selection

PICKS = 60
"""Images chosen to be labelled."""
SELECTION = "selection"
"""Folder of the selection's run, in the run of the pretraining."""


class Demo(Pretrained):
    """The demo's run: that of its pretraining, with its encoder and its report. ``selection``: the run that chose images by that encoder."""

    def __init__(self, path: Path, selection: Selection) -> None:
        super().__init__(path)
        self.selection = selection


def demo(*, out: str | Path | None = None, quiet: bool = False) -> Demo:
    """Pretrain by the recipe ``demo``, examine the encoder beside its baselines, select images to label by it; a report of each.

    ``out``: the directory of the pretraining's run; the selection is its folder ``selection``. Images are chosen for being typical
    and unlike each other, which of all that was compared did best with few labels (docs/does-selection-help.md); the labels are
    looked at afterwards only, to say what the choice was worth. Raises UserError where ``out`` is taken.
    """
    from vesalius.select.verb import select

    terminal = Terminal(quiet=quiet)
    terminal.say("1 of 2. Learn an encoder from images without their labels, and examine it on images it has not seen.")
    learnt = pretrain("demo", out=out, quiet=quiet)
    terminal.say(f"2 of 2. Choose the {PICKS} images to label first, by that encoder.")
    chosen = select(
        encoder=str(learnt.path),
        data=Run.open(learnt.path).config()["data"]["train"],
        n=PICKS,
        strategy=["typicality", "diversity"],
        out=learnt.path / SELECTION,
        quiet=quiet,
    )
    return Demo(learnt.path, chosen)
