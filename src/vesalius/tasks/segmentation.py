"""Fine-tuning a segmenter as a method of the one loop: patches with their labels, soft Dice and cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError
from vesalius.tasks.dice import dice_ce
from vesalius.tasks.segmenter import Segmenter
from vesalius.training.method import Group, Method, Output, Progress, groups_by_shape
from vesalius.views.batch import Batch

GROUP = "global"


class Segmentation(Method):
    """``segmenter`` trained on views (V, B, C, *patch) and masks (V, B, *patch) of the group ``global``.

    ``lr_factor``: the encoder's learning rate as a share of the decoder's; ``freeze``: it learns nothing at all.
    """

    needs: ClassVar[Mapping[str, int]] = {GROUP: 1}
    independent = True
    """Every sample's loss is of its own voxels; only batch norm, where a decoder has it, looks at other samples."""
    may_collapse = False

    def __init__(self, segmenter: Segmenter, *, include_background: bool = True, lr_factor: float = 1.0, freeze: bool = False) -> None:
        super().__init__()
        self.segmenter, self.include_background, self.lr_factor = segmenter, include_background, lr_factor
        if freeze:
            segmenter.encoder.requires_grad_(False)

    def forward(self, batch: Batch, at: Progress) -> Output:
        """-> parts ``dice`` and ``cross_entropy``, (B,) each, means over a sample's views.

        Raises UserError for a batch without label volumes.
        """
        views = batch.views[GROUP]
        if GROUP not in batch.masks:
            raise UserError("The training volumes have no label volumes. Give data whose table has the column mask.")
        logits = self.segmenter(views.flatten(0, 1))
        dice, entropy = dice_ce(logits, batch.masks[GROUP].flatten(0, 1), include_background=self.include_background)
        shape = views.shape[:2]
        return Output({"dice": dice.view(shape).mean(0), "cross_entropy": entropy.view(shape).mean(0)})

    def groups(self) -> list[Group]:
        """The encoder's parameters at ``lr_factor`` of the rate, the decoder's at all of it."""
        below = [replace(group, lr=self._factor, name=f"encoder {group.name}") for group in groups_by_shape(self.segmenter.encoder.parameters())]
        above = [replace(group, name=f"decoder {group.name}") for group in groups_by_shape(self.segmenter.decoder.parameters())]
        return [group for group in (*below, *above) if group.params]

    def _factor(self, at: Progress) -> float:
        return self.lr_factor

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.segmenter.encoder}
