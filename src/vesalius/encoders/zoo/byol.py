"""BYOL, 1,000 epochs on ImageNet (Grill et al., "Bootstrap your own latent", NeurIPS 2020), trained with jax and Haiku."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.encoders.published import Published
from vesalius.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

MODELS = {
    "byol": Published(
        name="byol",
        architecture="resnet50",
        options={"stem": "standard", "padding": "same"},
        url="https://storage.googleapis.com/deepmind-byol/checkpoints/pretrain_res50x1.pkl",
        file="pretrain_res50x1.pkl",
        bytes=570_000_000,
        licence="Apache-2.0 (google-deepmind/deepmind-research)",
        trained_on="ImageNet-1k without labels: BYOL, 1,000 epochs",
        imagenet_top1=74.3,
        notes=(
            "the online network, padded as Haiku pads it ('SAME' in the stem and in every block of stride 2): equal to Haiku's own forward; with torchvision's "
            "symmetric padding features at 224 pixels change by 6 % (48 photographs, drawn weights; see docs/zoo.md)",
        ),
    )
}
_UNUSED = ("counter", "hidden")
"""What a moving average of Haiku holds beside ``average``."""


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """``online_params`` and ``online_state``, by Haiku's names; projector, predictor and classifier are left out.

    A file of torch is taken as the converters of the time wrote it: torchvision's names, with ``fc``, under ``state_dict``.
    Raises UserError for a file of another content.
    """
    from vesalius.encoders.picking import picked
    from vesalius.encoders.torch_file import is_torch

    if is_torch(path):
        return picked(path, model, nest="state_dict", prefix="", drop=("fc.",))
    from vesalius.encoders.haiku_pickle import read_haiku
    from vesalius.encoders.loaded import some

    state = read_haiku(path).get("experiment_state")
    if not isinstance(state, dict) or not all(isinstance(state.get(part), dict) for part in ("online_params", "online_state")):
        raise UserError(f"{path.name} is not {model.file}: it has no experiment_state with online_params and online_state. Give the published file.")
    found = {**_leaves(state["online_params"]), **_leaves(state["online_state"])}
    root = next((name.partition("/initial_conv/")[0] + "/" for name in found if "/initial_conv/" in name), "/initial_conv")
    wanted = {root + haiku: torchs for haiku, torchs in _names(model.architecture)}
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name.startswith(root) and name not in wanted and not name.endswith(_UNUSED)]
    if missing or unknown:
        raise UserError(
            f"{path.name} does not hold the {model.architecture} of {model.name}: missing {some(missing)}; not of this network {some(unknown)}. "
            "Nothing was written. Get the published file again."
        )
    return {torchs: _tensor(haiku, found[haiku]) for haiku, torchs in wanted.items()}


def _leaves(tree: dict[str, Any]) -> dict[str, Any]:
    """Values by ``module/leaf``; modules made in a constructor have ``~`` in their names, which says nothing."""
    return {
        f"{module.replace('/~', '')}/{leaf}": value
        for module, values in tree.items()
        if isinstance(module, str) and isinstance(values, dict)
        for leaf, value in values.items()
    }


def _names(architecture: str) -> Iterator[tuple[str, str]]:
    """Haiku's and torchvision's name of each tensor."""
    from vesalius.encoders.resnet import DEPTHS

    bottleneck, depths = DEPTHS[architecture]
    yield from _layer("initial_conv", "conv1", "initial_batchnorm", "bn1")
    for group, blocks in enumerate(depths):
        for block in range(blocks):
            haiku, torchs = f"block_group_{group}/block_{block}", f"layer{group + 1}.{block}"
            for i in range(3 if bottleneck else 2):
                yield from _layer(f"{haiku}/conv_{i}", f"{torchs}.conv{i + 1}", f"{haiku}/batchnorm_{i}", f"{torchs}.bn{i + 1}")
            if block == 0:
                yield from _layer(f"{haiku}/shortcut_conv", f"{torchs}.downsample.0", f"{haiku}/shortcut_batchnorm", f"{torchs}.downsample.1")


def _layer(convolution: str, weight: str, norm: str, of_torch: str) -> Iterator[tuple[str, str]]:
    yield f"{convolution}/w", f"{weight}.weight"
    yield f"{norm}/scale", f"{of_torch}.weight"
    yield f"{norm}/offset", f"{of_torch}.bias"
    yield f"{norm}/mean_ema/average", f"{of_torch}.running_mean"
    yield f"{norm}/var_ema/average", f"{of_torch}.running_var"


def _tensor(name: str, value: Any) -> Tensor:
    """Kernels (height, width, in, out) in torch's order, norms (1, 1, 1, channels) as vectors; another shape stays as it is."""
    import numpy as np
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(value))
    if name.endswith("/w") and tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.flatten() if tensor.ndim == 4 and tensor.shape[:3] == (1, 1, 1) else tensor
