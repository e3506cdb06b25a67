"""The loss of each kind of task: one value per sample, zero where nothing is known of it, pure functions of tensors.

Class weights are those of the training labels alone, scaled so that a training sample weighs 1 on average: a balanced
loss then has the size of a plain one, whatever stands in a batch.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from vesalius.data.task import Kind
from vesalius.training.linear_head import class_weights
from vesalius.training.precision import fp32


@fp32
def classes(
    logits: Float[Tensor, "batch classes"], labels: Float[Tensor, " batch"], weights: Float[Tensor, " classes"] | None
) -> Float[Tensor, " batch"]:
    """Cross-entropy; also of ordered classes, whose logits are log-probabilities. Of two classes a label may lie between."""
    known = ~labels.isnan()
    if logits.shape[1] == 2:
        share = torch.stack([1 - labels.nan_to_num(), labels.nan_to_num()], 1)
        each = -((share if weights is None else share * weights) * logits.log_softmax(1)).sum(1)
    else:
        each = F.cross_entropy(logits, labels.nan_to_num().long(), weights, reduction="none")
    return torch.where(known, each, 0.0)


@fp32
def multilabel(
    logits: Float[Tensor, "batch labels"],
    labels: Float[Tensor, "batch labels"],
    weights: Float[Tensor, "labels 2"] | None,
) -> Float[Tensor, " batch"]:
    """Binary cross-entropy, the mean over the labels that are known of a sample; a label may lie between no and yes."""
    known, positive = ~labels.isnan(), labels.nan_to_num()
    if weights is None:
        each = F.binary_cross_entropy_with_logits(logits, positive, reduction="none")
    else:
        no, yes = (F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, y), reduction="none") for y in (0.0, 1.0))
        each = (1 - positive) * weights[:, 0] * no + positive * weights[:, 1] * yes
    return (each * known).sum(1) / known.sum(1).clamp(min=1)


@fp32
def regression(
    outputs: Float[Tensor, "batch 1"], labels: Float[Tensor, " batch"], weights: None = None
) -> Float[Tensor, " batch"]:
    """Half the squared error of standardised quantities."""
    known = ~labels.isnan()
    return torch.where(known, 0.5 * (outputs[:, 0] - labels.nan_to_num()) ** 2, 0.0)


def of(kind: Kind, logits: Tensor, labels: Tensor, weights: Tensor | None) -> Float[Tensor, " batch"]:
    """The loss of ``kind`` for each sample: ``logits`` (B, outputs), ``labels`` (B,) or (B, labels), ``weights`` as ``balancing`` makes them."""
    if kind == "multilabel":
        return multilabel(logits, labels, weights)
    if kind == "regression":
        return regression(logits, labels)
    return classes(logits, labels, weights)


def balancing(labels: Float[Tensor, "samples ..."], kind: Kind, outputs: int) -> tuple[Tensor, list[int]]:
    """Weights of the classes by training ``labels``, and the classes that have none, whose weight is 0.

    (classes,), or (labels, 2) of negative and positive, each label by itself. A training sample weighs 1 on average.
    """
    weights, missing = class_weights(labels, "multilabel" if kind == "multilabel" else "classes", outputs)
    if kind != "multilabel":
        known = labels[~labels.isnan()].round().long()
        return weights / weights[known].mean(), missing
    count = torch.stack([(labels == 0).sum(0), (labels == 1).sum(0)], 1)
    mean = (weights * count).sum(1, keepdim=True) / count.sum(1, keepdim=True).clamp(min=1)
    return weights / mean.clamp(min=torch.finfo(weights.dtype).tiny), missing
