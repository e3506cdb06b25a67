"""SimCLR-v1, ResNet-50 1x, on ImageNet (Chen et al., "A simple framework for contrastive learning", ICML 2020), by TensorFlow."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published
from vesalius.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from vesalius.encoders.tensor_bundle import TensorBundle

MODELS = {
    "simclr-v1": Published(
        name="simclr-v1",
        architecture="resnet50",
        options={"stem": "standard", "padding": "same_pool"},
        url="https://storage.googleapis.com/simclr-gcs/checkpoints/ResNet50_1x.zip",
        file="ResNet50_1x.zip",
        also=("*.index", "*/model.ckpt-*.index"),
        licence="Apache-2.0 (google-research/simclr)",
        trained_on="ImageNet-1k without labels: SimCLR, 1,000 epochs",
        imagenet_top1=69.3,
        mean=(),
        std=(),
        notes=(
            "images are floats in [0, 1], not standardised, as it was trained",
            "the max-pool is padded as TensorFlow pads it ('SAME'), the convolutions symmetrically: equal to TensorFlow's own forward; with torchvision's "
            "symmetric padding features at 224 pixels change by 0.4 % (48 photographs, drawn weights; see docs/zoo.md)",
        ),
        by_hand=(
            "In a browser, signed in to a Google account, open https://storage.cloud.google.com/simclr-gcs/checkpoints/ResNet50_1x.zip. The zip file, the "
            "folder it unpacks to, its model.ckpt-225206.index and the .pth file that tonylins/simclr-converter makes of it are read."
        ),
    )
}
_ROOT = "base_model/"
_MOST = 1 << 30
"""Bytes that are read at most; the network's are 94 million."""


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """The variables under ``base_model``, in the order TensorFlow made them: a block's projection first, then its convolutions.

    Heads, the step and the optimizer's slots are left out. A file of torch is taken as tonylins/simclr-converter wrote it.
    Raises UserError for a file that is no checkpoint of TensorFlow.
    """
    from vesalius.data.unpickle import Refused
    from vesalius.encoders.bundle_files import bundle_files
    from vesalius.encoders.picking import picked
    from vesalius.encoders.tensor_bundle import TensorBundle
    from vesalius.encoders.torch_file import is_torch

    if path.is_file() and is_torch(path):
        return picked(path, model, nest="state_dict", prefix="", drop=("fc.",))
    try:
        files = bundle_files(path)
        if files is None:
            raise Refused("holds no model.ckpt-*.index")
        return _read(TensorBundle(files), path, model)
    except (Refused, zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError) as error:
        said = f"it {error}" if isinstance(error, Refused) else f"it is damaged ({str(error) or type(error).__name__})"
        raise UserError(
            f"{path.name} cannot be read as a checkpoint of TensorFlow: {said}. Give {model.file} as it was published, the folder it unpacks to, or its "
            ".index file with the .data files beside it."
        ) from None


def _read(bundle: TensorBundle, path: Path, model: Published) -> dict[str, Tensor]:
    import numpy as np
    import torch

    from vesalius.encoders.loaded import some

    wanted = {_ROOT + name: torchs for name, torchs in _names(model.architecture)}
    own = [name for name in bundle.variables if name.startswith(_ROOT)]
    missing = [name for name in wanted if name not in bundle.variables]
    # A slot of an optimizer is called as its variable, with one more part.
    unknown = [name for name in own if name not in wanted and name.rpartition("/")[0] not in wanted]
    if missing or unknown:
        raise UserError(
            f"{path.name} does not hold the {model.architecture} of {model.name}: missing {some(missing)}; not of this network {some(unknown)}. "
            "Nothing was written. Get the published file again."
        )
    values = bundle.read(wanted, _MOST)
    found = {}
    for name, torchs in wanted.items():
        tensor = torch.from_numpy(np.array(values[name]))
        found[torchs] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor
    return found


def _names(architecture: str) -> Iterator[tuple[str, str]]:
    """TensorFlow's names, numbered in the order of creation, and torchvision's."""
    for i, (convolution, norm) in enumerate(_layers(architecture)):
        number = f"_{i}" if i else ""
        yield f"conv2d{number}/kernel", f"{convolution}.weight"
        yield f"batch_normalization{number}/gamma", f"{norm}.weight"
        yield f"batch_normalization{number}/beta", f"{norm}.bias"
        yield f"batch_normalization{number}/moving_mean", f"{norm}.running_mean"
        yield f"batch_normalization{number}/moving_variance", f"{norm}.running_var"


def _layers(architecture: str) -> Iterator[tuple[str, str]]:
    from vesalius.encoders.resnet import DEPTHS

    bottleneck, depths = DEPTHS[architecture]
    yield "conv1", "bn1"
    for stage, blocks in enumerate(depths):
        for block in range(blocks):
            at = f"layer{stage + 1}.{block}"
            if block == 0:
                yield f"{at}.downsample.0", f"{at}.downsample.1"
            for i in range(1, 4 if bottleneck else 3):
                yield f"{at}.conv{i}", f"{at}.bn{i}"
