"""DINO: a student says of every crop of an image what its slowly moving teacher says of the large ones.

Caron et al., "Emerging properties in self-supervised vision transformers", ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.training.gather import total
from vesalius.training.method import Group, Method, Output, Progress, groups_by_shape
from vesalius.training.precision import fp32
from vesalius.training.schedule import Warmup, warmup_length
from vesalius.training.teacher import frozen_copy, move_towards
from vesalius.views.batch import Batch


class Config(BaseModel):
    """Hyper-parameters of DINO."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    momentum: float = Field(0.996, ge=0, le=1, description="Teacher's momentum at the first step; 1 after the last.")
    hidden: int = Field(2048, ge=1, description="Width of the projector's two hidden layers.")
    dim: int = Field(256, ge=1, description="Length of the projected vector, which is compared with the prototypes.")
    prototypes: int = Field(65536, ge=2, description="Number of prototypes; some thousands do for small images.")
    norm_last_layer: bool = Field(True, description="Prototypes keep length 1; false learns their lengths (less stable).")
    freeze_last_layer: int = Field(1, ge=0, description="Epochs at the start in which the prototypes stand still.")
    temperature: float = Field(0.1, gt=0, description="The student's temperature.")
    teacher_temperature: float = Field(0.07, gt=0, description="The teacher's temperature after its warm-up.")
    teacher_temperature_start: float = Field(0.04, gt=0, description="The teacher's temperature at the first step.")
    teacher_warmup: Warmup = Field(Warmup(share=0.1), description="A share of the run, or {steps: n} or {epochs: n}.")
    centre_momentum: float = Field(0.9, ge=0, lt=1, description="Momentum of the centre of the teacher's outputs.")


@fp32
def cosines(
    x: Float[Tensor, "*rows dim"], direction: Float[Tensor, "prototypes dim"], length: Tensor | None = None
) -> Float[Tensor, "*rows prototypes"]:
    """``x``, normalised, times the prototypes: their ``direction`` normalised, times their ``length`` (K, 1) or 1."""
    prototypes = F.normalize(direction, dim=-1)
    return F.linear(F.normalize(x, dim=-1), prototypes if length is None else prototypes * length)


@fp32
def cross_entropy(
    student: Float[Tensor, "views batch prototypes"],
    teacher: Float[Tensor, "targets batch prototypes"],
    centre: Float[Tensor, " prototypes"],
    temperature: float,
    teacher_temperature: float,
) -> Float[Tensor, " batch"]:
    """Equation 3 of the paper, the mean over pairs of unlike views; the student's first views are the teacher's."""
    target = ((teacher - centre) / teacher_temperature).softmax(-1).detach()
    said = (student / temperature).log_softmax(-1)
    pairs = -torch.einsum("tbk,sbk->bts", target, said)
    unlike = ~torch.eye(len(teacher), len(student), dtype=torch.bool, device=pairs.device)
    return (pairs * unlike).sum((1, 2)) / (unlike.numel() - min(unlike.shape))


def teacher_temperature_at(config: Config, at: Progress) -> float:
    """Straight from its start to its end during the warm-up (never longer than a third of the run), then constant."""
    share = min(1.0, at.step / max(1.0, warmup_length(config.teacher_warmup, at)))
    return config.teacher_temperature_start + share * (config.teacher_temperature - config.teacher_temperature_start)


class Prototypes(nn.Module):
    """The weight-normalised last layer without bias, of plain tensors: ``direction`` (K, dim), ``length`` (K, 1) or 1."""

    def __init__(self, dim: int, count: int, norm: bool) -> None:
        super().__init__()
        self.direction = nn.Parameter(nn.Linear(dim, count, bias=False).weight.detach())
        self.length = None if norm else nn.Parameter(torch.ones(count, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., dim)`` -> ``(..., K)`` in at least fp32."""
        return cosines(x, self.direction, self.length)


class DINO(Method):
    """Student and teacher (encoder, projector, prototypes) and the centre of what the teacher says.

    Views "global", two or more, go to both; views "local", if there are any, to the student alone. Without them it is
    the paper's DINO without multi-crop.
    """

    needs: ClassVar[Mapping[str, int]] = {"global": 2}
    independent = True
    """Only batch norm looks at other samples; the centre is of all micro-batches of a step."""

    centre: Tensor
    summed: Tensor

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = MLP(encoder.embedding_dim, config.hidden, config.dim, layers=3, norm=False, gelu=True)
        for layer in self.projector:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.prototypes = Prototypes(config.dim, config.prototypes, config.norm_last_layer)
        self.teacher_encoder, self.teacher_projector = frozen_copy(encoder), frozen_copy(self.projector)
        self.teacher_prototypes = frozen_copy(self.prototypes)
        for module in self.teacher_encoder.modules():
            if hasattr(module, "drop_prob"):
                module.drop_prob = 0.0  # type: ignore[assignment]  # only the student's depth is stochastic
        self.register_buffer("centre", torch.zeros(config.prototypes))
        # what the teacher said within a step, and of how many views; nothing between steps
        self.register_buffer("summed", torch.zeros(config.prototypes + 1), persistent=False)
        self.config = config

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (V, B, C, *size), one forward for each size -> the loss (B,)."""
        wide = batch.views["global"]
        with torch.no_grad():
            projected = self.teacher_projector(self.teacher_encoder.embedding(self.teacher_encoder(wide.flatten(0, 1)).pooled))
            teacher = self.teacher_prototypes(projected).unflatten(0, wide.shape[:2])
        groups = [wide, batch.views["local"]] if "local" in batch.views else [wide]
        pooled = torch.cat([self.encoder(views.flatten(0, 1)).pooled for views in groups])
        student = self.prototypes(self.projector(self.encoder.embedding(pooled))).unflatten(0, (-1, wide.shape[1]))
        warmth = teacher_temperature_at(self.config, at)
        loss = cross_entropy(student, teacher, self.centre, self.config.temperature, warmth)
        if self.training:
            count = teacher.new_full((1,), teacher.shape[0] * teacher.shape[1])
            self.summed.add_(torch.cat([teacher.sum((0, 1)), count]))
        return Output({"dino": loss})

    def groups(self) -> list[Group]:
        """By shape; the prototypes are a group of their own, which stands still at first."""
        last = list(self.prototypes.parameters())
        rest = [p for p in self.parameters() if not any(p is q for q in last)]
        still = self.config.freeze_last_layer
        return [*groups_by_shape(rest), Group(last, lr=lambda at: float(at.epoch >= still), name="prototypes")]

    def after_step(self, out: Output, at: Progress) -> None:
        """Move the teacher, and the centre towards the mean over all ranks and global views (equation 4)."""
        momentum = at.cosine(self.config.momentum, 1.0)
        for name in ("encoder", "projector", "prototypes"):
            move_towards(getattr(self, f"teacher_{name}"), getattr(self, name), momentum, out.finite)
        summed = total(self.summed)
        moved = self.centre.lerp(summed[:-1] / summed[-1], 1 - self.config.centre_momentum)
        self.summed.zero_()
        self.centre.copy_(moved if out.finite is None else torch.where(out.finite, moved, self.centre))

    def exports(self) -> Mapping[str, Encoder]:
        """The teacher's encoder, the better of the two throughout training (section 5.2), before the student's."""
        return {"teacher": self.teacher_encoder, "student": self.encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` of the teacher -> ``(B, dim)``, of length 1."""
        return F.normalize(self.teacher_projector(self.teacher_encoder.embedding(pooled)), dim=-1)


def build(encoder: Encoder, config: Config) -> DINO:
    """What the registry calls."""
    return DINO(encoder, config)
