"""One linear layer with its own Adam, trained on features that others computed; all its state is plain tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from vesalius import random
from vesalius.measures.metrics import Kind


class LinearHead:
    """``outputs`` logits from ``dim`` features; weights start at zero, so that nothing depends on a draw.

    A softmax over classes (two outputs for a binary task) or one sigmoid per label for multi-label tasks.
    """

    def __init__(
        self, dim: int, outputs: int, kind: Kind, *, lr: float, weight_decay: float, device: torch.device
    ) -> None:
        self.kind = kind
        self.weight = torch.zeros(outputs, dim, device=device, requires_grad=True)
        self.bias = torch.zeros(outputs, device=device, requires_grad=True)
        self.optimizer = torch.optim.Adam([self.weight, self.bias], lr=lr, weight_decay=weight_decay, foreach=False)

    def logits(self, vectors: Float[Tensor, "samples dim"]) -> Float[Tensor, "samples outputs"]:
        """Unnormalised scores."""
        return F.linear(vectors, self.weight, self.bias)

    def probabilities(self, logits: Float[Tensor, "samples outputs"]) -> Float[Tensor, "samples outputs"]:
        """Softmax or sigmoid of the logits, as the task asks."""
        return logits.sigmoid() if self.kind == "multilabel" else logits.softmax(1)

    def loss(
        self,
        logits: Float[Tensor, "samples outputs"],
        labels: Float[Tensor, "samples ..."],
        weights: Tensor | None,
    ) -> Float[Tensor, ""]:
        """Cross-entropy, weighted mean over the known labels; ``weights`` (outputs,) or (outputs, 2), as made by ``class_weights``."""
        if self.kind == "binary":  # a target between the two answers is learnt as both, in proportion
            share = torch.stack([1 - labels, labels], 1) * (1 if weights is None else weights)
            return -(share * logits.log_softmax(1)).sum() / share.sum()
        if self.kind != "multilabel":
            return F.cross_entropy(logits, labels.long(), weights)
        known, positive = ~labels.isnan(), labels.nan_to_num()
        share = known.to(logits)
        if weights is None:
            total = (share * F.binary_cross_entropy_with_logits(logits, positive, reduction="none")).sum()
        else:
            no, yes = (F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, y), reduction="none") for y in (0.0, 1.0))
            of_no, of_yes = share * (1 - positive) * weights[:, 0], share * positive * weights[:, 1]
            total, share = (of_no * no + of_yes * yes).sum(), of_no + of_yes
        return total / share.sum().clamp(min=torch.finfo(share.dtype).tiny)

    def learn(
        self,
        vectors: Float[Tensor, "samples dim"],
        labels: Float[Tensor, "samples ..."],
        weights: Tensor | None,
        *,
        seed: int,
        epoch: int,
        batch: int,
        dropout: float,
    ) -> tuple[Float[Tensor, "samples outputs"], float]:
        """One pass in an order and with dropout masks drawn from (seed, epoch); the logits and mean loss on the way."""
        order = torch.from_numpy(random.permutation(seed, epoch, len(vectors))).to(vectors.device)
        masks = torch.Generator(vectors.device).manual_seed(random.torch_seed("head dropout", seed, epoch))
        logits = vectors.new_zeros(len(vectors), len(self.bias))
        total = vectors.new_zeros(())
        with torch.enable_grad():
            for rows in torch.split(order, batch):
                x = vectors[rows]
                if dropout:
                    x = x * (torch.rand(x.shape, generator=masks, device=x.device) >= dropout) / (1 - dropout)
                out = self.logits(x)
                loss = self.loss(out, labels[rows], weights)
                self.optimizer.zero_grad()
                torch.autograd.backward(loss)
                self.optimizer.step()
                logits[rows] = out.detach()
                total += loss.detach() * len(rows)
        return logits, float(total) / max(1, len(vectors))

    def state_dict(self) -> dict[str, Tensor]:
        """Weights and Adam's moments and counters, on the CPU."""
        state = {"weight": self.weight.detach(), "bias": self.bias.detach()}
        for name, parameter in (("weight", self.weight), ("bias", self.bias)):
            moments = self.optimizer.state[parameter]
            state |= {f"adam.{name}.{key}": torch.as_tensor(value) for key, value in moments.items()}
        return {key: value.cpu().clone() for key, value in state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        with torch.no_grad():
            self.weight.copy_(state["weight"])
            self.bias.copy_(state["bias"])
        for name, parameter in (("weight", self.weight), ("bias", self.bias)):
            prefix = f"adam.{name}."
            self.optimizer.state[parameter] = {
                key.removeprefix(prefix): value.clone() if value.ndim == 0 else value.to(parameter.device, copy=True)
                for key, value in state.items()
                if key.startswith(prefix)
            }


def class_weights(labels: Float[Tensor, "samples ..."], kind: Kind, classes: int) -> tuple[Tensor, list[int]]:
    """Weights N / count, normalised to sum 1: (classes,), or (L, 2) for negative and positive of each label.

    A class without a sample gets weight 0; the second value lists these classes (or labels).
    """
    if kind != "multilabel":
        count = torch.bincount(labels[~labels.isnan()].round().long(), minlength=classes).to(labels.device, torch.float32)[None]
    else:
        count = torch.stack([(labels == 0).sum(0), (labels == 1).sum(0)], 1).float()
    inverse = torch.where(count > 0, 1 / count.clamp(min=1), 0)
    weights = inverse / inverse.sum(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)
    if kind != "multilabel":
        return weights[0], (count[0] == 0).nonzero()[:, 0].tolist()
    return weights, (count == 0).any(1).nonzero()[:, 0].tolist()
