"""Optimizers by name, fused where torch has it, with a learning rate that follows from the global batch.

A non-finite gradient never reaches the weights: ``found_inf`` is set on the device before the step and every optimizer
here honours it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from vesalius.training.method import Group, Progress
from vesalius.training.schedule import Schedule, Warmup, factor


class OptimizerConfig(BaseModel):
    """Optimizer, its learning rate and how both change over the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["sgd", "adam", "adamw", "lars"] = Field("sgd", description="sgd, adam, adamw or lars.")
    lr: float | Literal["auto"] = Field("auto", description="Peak learning rate; auto follows from the global batch.")
    base_lr: float | None = Field(
        None, gt=0, description="With lr auto: the peak rate at a global batch of 256, in proportion to which it grows."
    )
    weight_decay: float = Field(5e-4, ge=0, description="Per step, of what decays (see decay_by).")
    weight_decay_end: float | None = Field(
        None, ge=0, description="Weight decay after the last step, reached along half a cosine; none keeps it constant."
    )
    decay_by: Literal["shape", "name", "all"] = Field(
        "shape", description="What decays: by shape (ndim > 1); by name (all but 'bias' and 'bn', InnerEye's BYOL); all."
    )
    layer_decay: float | None = Field(
        None, gt=0, le=1, description="Encoder layers learn at this to the power of their distance from its end; none: all alike."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Of sgd and lars.")
    nesterov: bool = Field(False, description="Whether sgd looks ahead (Nesterov).")
    betas: tuple[float, float] = Field((0.9, 0.999), description="Of adam and adamw.")
    eps: float = Field(1e-8, gt=0, description="Of adam and adamw.")
    trust: float = Field(1e-3, gt=0, description="Trust coefficient of lars.")
    clip: float | None = Field(None, gt=0, description="Largest norm of the gradient; none clips nothing.")
    warmup: Warmup = Field(Warmup(share=0.05), description="A share of the run, or {steps: n} or {epochs: n}.")
    schedule: Schedule = Field(Schedule(), description="What the rate does after the warm-up.")

    @model_validator(mode="after")
    def _fits_together(self) -> OptimizerConfig:
        if self.name == "lars" and self.weight_decay_end is not None and 0 in (self.weight_decay, self.weight_decay_end):
            raise ValueError("lars scales the layers that decay: with weight_decay_end, neither end can be 0")
        if self.nesterov and (self.name != "sgd" or self.momentum == 0):
            raise ValueError("nesterov is a way of sgd's momentum: it needs name sgd and a momentum above 0")
        return self


def peak_rate(config: OptimizerConfig, global_batch: int) -> float:
    """The peak learning rate. ``auto``: linear in the batch for sgd (0.12 at 256) and lars (0.3 at 256, as SimCLR),
    by the square root for adam and adamw (1e-3 at 256). With ``base_lr``: linear, whatever the optimizer (Goyal et al., 2017).
    """
    if config.lr != "auto":
        return float(config.lr)
    share = global_batch / 256
    if config.base_lr is not None:
        return config.base_lr * share
    return {"sgd": 0.12 * share, "lars": 0.3 * share, "adam": 1e-3 * math.sqrt(share), "adamw": 1e-3 * math.sqrt(share)}[
        config.name
    ]


class LARS(torch.optim.Optimizer):
    """SGD whose layers each move in proportion to their weights' norm; You et al., 2017, as SimCLR and BYOL use it.

    Groups without decay (biases, norms) take plain SGD steps. ``found_inf``: where it is 1 nothing changes.
    """

    def __init__(self, params: Any, lr: float, momentum: float, weight_decay: float, trust: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust})
        self.found_inf: Tensor | None = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            grads = [p.grad for p in params]
            if group["weight_decay"]:
                grads = list(torch._foreach_add(grads, params, alpha=group["weight_decay"]))
                weights, slopes = torch._foreach_norm(params), torch._foreach_norm(grads)
                scales = [
                    torch.where((w > 0) & (s > 0), group["trust"] * w / s, torch.ones_like(w))
                    for w, s in zip(weights, slopes, strict=True)
                ]
                grads = [g * s for g, s in zip(grads, scales, strict=True)]
            for p in params:
                if "momentum_buffer" not in self.state[p]:
                    self.state[p]["momentum_buffer"] = torch.zeros_like(p, memory_format=torch.preserve_format)
            buffers = [self.state[p]["momentum_buffer"] for p in params]
            new = torch._foreach_mul(buffers, group["momentum"])
            torch._foreach_add_(new, grads)
            if self.found_inf is None:
                torch._foreach_copy_(buffers, new)
                torch._foreach_add_(params, new, alpha=-group["lr"])
            else:
                bad = self.found_inf.bool()
                for p, buffer, update in zip(params, buffers, new, strict=True):
                    buffer.copy_(torch.where(bad, buffer, update))
                    p.copy_(torch.where(bad, p, p - group["lr"] * update))


class Stepper:
    """An optimizer over named groups, with rate and decay set from progress before each step.

    A group whose factor is 0 stands still: its gradients are forgotten before the step, so that no moment gathers them
    and it starts afresh when it is let go.
    """

    def __init__(
        self, config: OptimizerConfig, groups: Sequence[Group], names: Mapping[torch.nn.Parameter, str], global_batch: int
    ) -> None:
        self.config = config
        self.groups = [g for g in _regrouped(groups, names, config.decay_by) if g.params]
        self.peak = peak_rate(config, global_batch)
        sets = [{"params": g.params, "weight_decay": config.weight_decay if g.decay else 0.0} for g in self.groups]
        self.optimizer = _make(config, sets, self.peak)
        self.names = names
        self._still: list[torch.nn.Parameter] = []

    def set_rate(self, at: Progress) -> float:
        """Set every group's learning rate and decay for the step at ``at``; returns the base rate."""
        rate = self.peak * factor(self.config.schedule, self.config.warmup, at)
        end = self.config.weight_decay_end
        self._still = []
        for group, settings in zip(self.groups, self.optimizer.param_groups, strict=True):
            share = group.lr(at)
            settings["lr"] = rate * share
            if end is not None and group.decay:
                settings["weight_decay"] = at.cosine(self.config.weight_decay, end)
            if share == 0:
                self._still += group.params
        return rate

    def step(self, bad: Tensor) -> None:
        """Step unless ``bad`` () float on the device is 1; gradients are then forgotten."""
        for parameter in self._still:
            parameter.grad = None
        setattr(self.optimizer, "found_inf", bad)  # noqa: B010
        setattr(self.optimizer, "grad_scale", None)  # noqa: B010
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """The optimizer's state, keyed ``parameter name/field``, contiguous."""
        out: dict[str, Tensor] = {}
        for parameter, fields in self.optimizer.state.items():
            name = self.names[cast(torch.nn.Parameter, parameter)]
            for field, value in fields.items():
                if isinstance(value, Tensor):
                    out[f"{name}/{field}"] = value.detach()
        return out

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy ``state`` into tensors with their parameter's own strides.

        Fused optimizers compute wrong updates, without an error, when the strides of a moment differ from its
        parameter's; so a tensor read from disk is never used as it is.
        """
        by_name = {name: parameter for parameter, name in self.names.items()}
        for key, value in state.items():
            name, _, field = key.rpartition("/")
            parameter = by_name[name]
            if value.shape == parameter.shape and value.dim():
                held = torch.empty_like(parameter, dtype=value.dtype, memory_format=torch.preserve_format)
            else:
                held = torch.empty_like(value, device=parameter.device if self._on_device(field) else value.device)
            self.optimizer.state[parameter][field] = held.copy_(value)

    def _on_device(self, field: str) -> bool:
        return field != "step" or bool(self.optimizer.defaults.get("fused"))


def _regrouped(groups: Sequence[Group], names: Mapping[torch.nn.Parameter, str], by: str) -> list[Group]:
    """The method's own groups, or its parameters regrouped by the rule of an original."""
    if by == "shape":
        return list(groups)
    out = []
    for group in groups:
        stays = {True: [], False: []}  # type: dict[bool, list[torch.nn.Parameter]]
        for parameter in group.params:
            stays[by == "all" or not any(word in names[parameter] for word in ("bias", "bn"))].append(parameter)
        out += [Group(members, group.lr, decay, group.name) for decay, members in stays.items()]
    return out


def _make(config: OptimizerConfig, sets: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
    if config.name == "sgd":
        return torch.optim.SGD(sets, lr=lr, momentum=config.momentum, nesterov=config.nesterov, fused=True)
    if config.name == "lars":
        return LARS(sets, lr=lr, momentum=config.momentum, weight_decay=config.weight_decay, trust=config.trust)
    kind = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
    return kind(sets, lr=lr, betas=config.betas, eps=config.eps, weight_decay=config.weight_decay, fused=True)
