"""Checkpoints as they were published: the same nesting, prefixes, heads and queues, with drawn values."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from vesalius.encoders import Encoder

HEADS = ("fc", "classifier")


def drawn(architecture: str, seed: int = 0) -> dict[str, Tensor]:
    """torchvision's tensors, its classifier's too, of values under which features stay of a size."""
    with torch.device("meta"):
        state = models.get_model(architecture, weights=None).state_dict()
    generator = torch.Generator().manual_seed(seed)
    made: dict[str, Tensor] = {}
    for name, like in state.items():
        if name.endswith("num_batches_tracked"):
            made[name] = torch.tensor(100 + seed)
        elif name.endswith(("running_var", "norm.weight")) or (like.ndim == 1 and name.endswith("weight")):
            made[name] = torch.rand(like.shape, generator=generator) + 0.5
        elif like.ndim == 1:
            made[name] = torch.randn(like.shape, generator=generator) * 0.1
        else:
            made[name] = torch.randn(like.shape, generator=generator) * (2 / like[0].numel()) ** 0.5
    return made


def body(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the classifier."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(HEADS)}


def _two_layers(prefix: str, width: int) -> dict[str, Tensor]:
    first = {f"{prefix}.0.weight": torch.rand(8, width), f"{prefix}.0.bias": torch.rand(8)}
    return {**first, f"{prefix}.2.weight": torch.rand(4, 8), f"{prefix}.2.bias": torch.rand(4)}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _old_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's DenseNet before 0.3, whose published file has no counters either."""
    renamed = {}
    for name, tensor in tensors.items():
        for part in ("norm1", "norm2", "conv1", "conv2"):
            name = name.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.") if "denselayer" in name else name
        renamed[name] = tensor
    return {name: tensor for name, tensor in renamed.items() if not name.endswith("num_batches_tracked")}


def checkpoint(name: str, tensors: Mapping[str, Tensor]) -> Any:
    """What the file of the model ``name`` holds, with ``tensors`` (torchvision's, with classifier) as its encoder."""
    own = body(tensors)
    optimizer = {"state": {0: {"momentum_buffer": torch.rand(3)}}, "param_groups": [{"lr": 0.03, "params": [0]}]}
    if name == "pirl":
        jigsaw = {"module.head_jig.fc1.weight": torch.rand(4, 8), "module.jigsaw.weight": torch.rand(4)}
        model = {**_under("module.encoder.", own), **_two_layers("module.head", 2048), **jigsaw}
        bank = {"memory": torch.rand(16, 4), "params": torch.tensor([4096.0, 0.07])}
        return {"opt": Namespace(method="PIRL", arch="resnet50"), "model": model, "contrast": bank, "optimizer": optimizer, "epoch": 200}
    if name == "moco-v2":
        query = _under("module.encoder_q.", {**own, **_two_layers("fc", 2048)})
        return {"epoch": 800, "arch": "resnet50", "state_dict": query, "optimizer": optimizer}
    if name == "swav":
        norm = {f"projection_head.1.{part}": torch.rand(8) for part in ("weight", "bias", "running_mean", "running_var")}
        heads = {**_two_layers("projection_head", 2048), **norm, "prototypes.weight": torch.rand(30, 4)}
        return _under("module.", {**own, **heads})
    if name.startswith("supervised"):
        return _old_names(tensors) if name.endswith("d121") else dict(tensors)
    if name.startswith("mimic-chexpert"):
        linear = {"classifier.weight": torch.rand(128, 1024), "classifier.bias": torch.rand(128)}
        key = {name: torch.zeros_like(tensor) for name, tensor in own.items()}
        queue = {"model.queue": torch.rand(128, 16), "model.queue_ptr": torch.zeros(1, dtype=torch.long)}
        state = {**_under("model.encoder_q.", {**own, **linear}), **_under("model.encoder_k.", {**key, **linear}), **queue}
        return {"epoch": 199, "global_step": 1, "pytorch-lightning_version": "1.0.8", "state_dict": state}
    assert name.startswith("mimic-cxr")
    head = _two_layers("fc", 512) if "r18" in name else _two_layers("classifier", 1024)
    both = {**_under("module.encoder_q.", {**own, **head}), **_under("module.encoder_k.", own)}
    state = {**both, "module.queue": torch.rand(4, 16), "module.queue_ptr": torch.zeros(1, dtype=torch.long)}
    return {"epoch": 20, "arch": "resnet18", "state_dict": state, "optimizer": optimizer}


def write(folder: Path, name: str, file: str, tensors: Mapping[str, Tensor], *, zipped: bool = True) -> Path:
    """The published file of the model ``name``, in torch's format since 1.6 or before."""
    torch.save(checkpoint(name, tensors), folder / file, _use_new_zipfile_serialization=zipped)
    return folder / file


def reference(architecture: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    """torchvision's own network, in evaluation mode, without its classifier."""
    with torch.device("meta"):
        network: nn.Module = models.get_model(architecture, weights=None)
    network.load_state_dict(tensors, assign=True)
    network.set_submodule("classifier" if architecture.startswith("densenet") else "fc", nn.Identity())
    return network.eval()


def features(encoder: Encoder, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """``encoder``'s features of two images, and those of torchvision's network with ``tensors``, fed as the card says."""
    card = encoder.card
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (card.mean or (0.0,), card.std or (1.0,)))
    with torch.no_grad():
        return encoder(x).pooled, reference(card.architecture, tensors)((x - mean) / std)
