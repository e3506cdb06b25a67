"""Maps of what a feature is made of, by gradients: Grad-CAM and integrated gradients, both by captum.

An encoder has no class whose score could be differentiated. The score is how far a feature has come on the way from that of an empty image
``e``, all of the mean colour, to the image's own: ``(f(x) - f(e))·d / ‖d‖²`` with ``d = f(x₀) - f(e)`` held fixed, so that it is 0 for the
empty image and 1 for the image itself. Neither the cosine to the image's own feature would do, whose gradient is zero there, nor the feature's
length, which the norm at the end of a transformer keeps all but constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.errors import UserError
from vesalius.evaluate.occluded.scaling import over_pixels

Images = Float[Tensor, "batch channels height width"]
Maps = Float[Tensor, "batch height width"]
_BEFORE_ATTENTION = (".norm1", ".ln_1")
"""What timm and MONAI, and torchvision, call the norm in front of a block's attention."""


def grad_cam(encoder: Encoder, x: Images, *, layer: str = "", batch_size: int = 8) -> Maps:
    """Selvaraju et al., ICCV 2017, of each image of ``x`` (floats in [0, 1]): from 0 to 1 where largest.

    ``layer``: the name of any module of the network that puts out a map or tokens; by default the last map or, of transformers whose blocks
    are known, the input of the last attention, behind which a class token alone counts. A network of convolutions that ends in a mean needs no
    gradient at its last map: there the map is each place's part of the way, as far as it is positive. Raises UserError for volumes and for a
    layer without places.
    """
    from captum.attr import LayerGradCam

    images_only(encoder, x)
    found: list[Tensor] = []
    with differentiable(encoder):
        name = layer or last_layer(encoder, x[:1])
        for part in torch.split(x, batch_size):
            way, grid = _way(encoder, part)
            with _as_map(encoder, name, len(part), grid) as place:
                cam = LayerGradCam(_score(encoder, name), place)
                made: Any = cam.attribute(part, additional_forward_args=way, relu_attributions=True)
            found.append(over_pixels(made.detach()[:, 0], x.shape[2:]))
    return torch.cat(found)


def integrated_gradients(encoder: Encoder, x: Images, *, steps: int = 32, blur: float = 1 / 56, batch_size: int = 8) -> Maps:
    """Sundararajan et al., ICML 2017: how much of the score each pixel brings in between the empty image and the image, of either sign, over
    all channels; from 0 to 1 where largest. Raises UserError for volumes.

    ``steps``: points on the way (Gauss-Legendre). The empty image's colour is what the network itself takes as 0, as in occlusion. ``blur``:
    deviation of the Gaussian that the sizes are smoothed with, as a share of the shorter side (0: none); single pixels are little but noise.
    """
    images_only(encoder, x)
    found = []
    with differentiable(encoder):
        for part in torch.split(x, batch_size):
            sizes = attributions(encoder, part, steps=steps, batch_size=batch_size).sum(1).abs()
            found.append(over_pixels(_smoothed(sizes, blur * min(x.shape[2:])), x.shape[2:]))
    return torch.cat(found)


def attributions(encoder: Encoder, x: Images, *, steps: int, batch_size: int) -> Images:
    """The signed numbers behind ``integrated_gradients``: of each image they add up to 1. Within ``differentiable`` only."""
    from captum.attr import IntegratedGradients

    way, _ = _way(encoder, x)
    made = IntegratedGradients(_score(encoder)).attribute(
        x.clone().requires_grad_(), empty(encoder, x).expand_as(x), additional_forward_args=way, n_steps=steps, internal_batch_size=max(batch_size, len(x))
    )
    found: Tensor = made.detach().to(x.dtype)  # older captums add the steps up in float64
    return found


@contextmanager
def differentiable(encoder: nn.Module) -> Iterator[None]:
    """Inside: evaluation mode, gradients for inputs and activations but for no parameter. Afterwards all is as it was (see ``untouched``)."""
    wanted = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        with untouched(encoder), torch.enable_grad():
            yield
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)


def last_layer(encoder: Encoder, x: Images) -> str:
    """The module whose map Grad-CAM weights by default: of tokens the last norm before an attention, else what puts out the encoder's map.

    The network itself has the empty name. Raises UserError where no module puts it out.
    """
    seen: list[tuple[str, Tensor]] = []
    handles = [each.register_forward_hook(_noting(seen, name)) for name, each in encoder.network.named_modules()]
    try:
        with torch.no_grad():
            wanted = encoder(x).map
    finally:
        for handle in handles:
            handle.remove()
    tokens = [(name, out) for name, out in seen if out.ndim == 3 and len(out) == len(wanted) and out.shape[1] >= wanted.shape[2:].numel()]
    before = [name for name, _ in tokens if name.endswith(_BEFORE_ATTENTION)]
    if before:
        return before[-1]
    same = [name for name, out in seen if any(torch.equal(one, wanted) for one in _readings(out, wanted))]
    if not same:
        raise UserError(f"No module of {encoder.card.architecture} puts out its last map. Name a layer whose output has places.")
    ordered = [*(name for name in reversed(same) if name), *(name for name in same if not name)]
    return next((name for name in ordered if _matters(encoder, name, x)), ordered[-1])


def images_only(encoder: Encoder, x: Tensor) -> None:
    """Raise UserError where ``x`` (B, C, *size) is volumes: these maps are laid over images."""
    if x.ndim != 4:
        raise UserError(f"{encoder.card.architecture} is an encoder of volumes, and this map is one of images. Give an encoder of images.")


def empty(encoder: Encoder, x: Images) -> Images:
    """One image like those of ``x``, all of the colour that the card's mean makes 0."""
    return x.new_tensor(encoder.card.mean or (0.0,)).view(1, -1, 1, 1).expand_as(x[:1])


def _smoothed(maps: Maps, sigma: float) -> Maps:
    from torchvision.transforms.functional import gaussian_blur

    if sigma <= 0:
        return maps
    found: Tensor = gaussian_blur(maps, [2 * math.ceil(2 * sigma) + 1] * 2, [sigma] * 2)
    return found


def _score(encoder: Encoder, layer: str = "") -> Callable[[Tensor, Tensor], Tensor]:
    """The score but for a constant, which has no gradient. Raises UserError where it does not come from ``layer``."""

    def score(x: Tensor, way: Tensor) -> Tensor:
        pooled: Tensor = encoder(x).pooled
        if not pooled.requires_grad:
            raise UserError(f"Layer {layer!r} of {encoder.card.architecture} has no part in its feature. Name one that the image goes through.")
        return (pooled * way).sum(1)

    return score


def _way(encoder: Encoder, x: Images) -> tuple[Tensor, tuple[int, ...]]:
    """``d / ‖d‖²`` of each image, and the sides of the encoder's map."""
    with torch.no_grad():
        found = encoder(torch.cat([x, empty(encoder, x)]))
    way = found.pooled[:-1] - found.pooled[-1:]
    square = way.square().sum(1, keepdim=True)
    return way / square.where(square > 0, square.new_ones(())), tuple(found.map.shape[2:])


@contextmanager
def _as_map(encoder: Encoder, name: str, batch: int, grid: tuple[int, ...]) -> Iterator[nn.Module]:
    """Inside: what module ``name`` puts out goes, as a map (B, D, rows, columns), through the module that is given."""
    known = dict(encoder.network.named_modules())
    if name not in known:
        encoder.layers(torch.empty(0), [name])  # says which there are
    place = nn.Identity().eval()

    def through(module: nn.Module, inputs: Any, output: Any) -> Any:
        out = _tensor(output)
        if out is None or out.ndim not in (3, 4) or len(out) != batch or (out.ndim == 3 and out.shape[1] < grid[0] * grid[1]) or out[0, 0].numel() == 1:
            raise UserError(
                f"Layer {name or 'the network itself'!r} of {encoder.card.architecture} has no places: it puts out {_said(out)}. "
                "Name a layer whose output is a map or a row of tokens."
            )
        # The way back ends here, so that nothing below is kept; behind it is a copy, which a ReLU may overwrite.
        if out.ndim == 4:
            nhwc = getattr(encoder.network, "output_fmt", "NCHW") == "NHWC"
            seen = place((out.permute(0, 3, 1, 2) if nhwc else out).detach().requires_grad_()).clone()
            return _put(output, seen.permute(0, 2, 3, 1) if nhwc else seen)
        prefix = out.shape[1] - grid[0] * grid[1]
        tokens = out[:, prefix:].mT.reshape(len(out), out.shape[2], *grid)
        return _put(output, torch.cat([out[:, :prefix].detach(), place(tokens.detach().requires_grad_()).flatten(2).mT], 1))

    handle = known[name].register_forward_hook(through)
    try:
        yield place
    finally:
        handle.remove()


def _matters(encoder: Encoder, name: str, x: Images) -> bool:
    """Whether the feature changes where module ``name`` puts out zeros: an identity beside the way has the same values, and no part in it."""
    module = dict(encoder.network.named_modules())[name]
    with torch.no_grad():
        before = encoder(x).pooled
        handle = module.register_forward_hook(lambda module, inputs, output: _put(output, torch.zeros_like(_tensor(output))))  # type: ignore[arg-type]
        try:
            return not torch.equal(encoder(x).pooled, before)
        finally:
            handle.remove()


def _noting(seen: list[tuple[str, Tensor]], name: str) -> Any:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if (out := _tensor(output)) is not None:
            seen.append((name, out))

    return hook


def _readings(out: Tensor, like: Tensor) -> list[Tensor]:
    """What ``out`` is as a map of the shape of ``like``: as it is, with its channels last, or as a row of tokens."""
    grid = like.shape[2:]
    tokens = out[:, -grid.numel() :].mT if out.ndim == 3 else out
    each = [out, out.permute(0, 3, 1, 2) if out.ndim == 4 else tokens.reshape(*tokens.shape[:2], *grid) if tokens.shape[2:].numel() == grid.numel() else out]
    return [one for one in each if one.shape == like.shape]


def _tensor(output: Any) -> Tensor | None:
    """The tensor that a module put out; the last of several, of stages the coarsest."""
    last = output[-1] if isinstance(output, tuple | list) and output else output
    return last if isinstance(last, Tensor) else None


def _put(output: Any, out: Tensor) -> Any:
    return type(output)([*output[:-1], out]) if isinstance(output, tuple | list) else out


def _said(out: Tensor | None) -> str:
    return "no tensor" if out is None else f"a tensor of shape {tuple(out.shape)}"
