"""Soft Dice plus cross-entropy of label volumes: the loss of segmentation, one value for each sample.

Milletari et al., "V-Net", 3DV 2016. The numbers are those of MONAI's ``DiceCELoss(to_onehot_y=True, softmax=True)``, whose
mean over a batch of equal patches is the mean of these; the labels are never unfolded into one volume for each class.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from vesalius.training.precision import fp32

_SMOOTH = 1e-5


@fp32
def dice_ce(
    logits: Float[Tensor, "batch classes *size"], labels: Int[Tensor, " batch *size"], *, include_background: bool = True
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """``1 - soft Dice``, its mean over classes, and the cross-entropy, its mean over voxels: each (B,).

    ``include_background``: whether class 0 counts in the Dice part; the cross-entropy always knows it. A class that is in
    neither truth nor prediction scores 1, as MONAI's smoothing of both sides by 1e-5 has it.
    """
    classes = logits.shape[1]
    logarithms = logits.flatten(2).log_softmax(1)
    truth = labels.flatten(1).long()
    chances = logarithms.exp()
    right = logarithms.gather(1, truth[:, None])[:, 0]
    empty = right.new_zeros(len(right), classes)
    overlap = empty.scatter_add(1, truth, right.exp())
    size = empty.scatter_add(1, truth, torch.ones_like(right))
    found = chances.sum(2)
    dice = 1 - (2 * overlap + _SMOOTH) / (found + size + _SMOOTH)
    return dice[:, 0 if include_background else 1 :].mean(1), -right.mean(1)
