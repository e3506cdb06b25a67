"""Any classification network of torchvision: ``torchvision:NAME``."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from vesalius.encoders.channels import replace_first_convolution
from vesalius.encoders.encoder import Encoder, Encoding, from_map
from vesalius.errors import UserError

# In this order: most have an average pool; the others pool by a function, inside the classifier, or have tokens.
_PLACES = (
    ("avgpool", True),
    ("features", False),
    ("conv5", False),
    ("layers", False),
    ("classifier", True),
    ("encoder", False),
)


class TorchvisionEncoder(Encoder):
    """``network`` without its last layer: what that layer would have seen is pooled; ``last_map`` makes the map.

    The map is what enters (``before``) or leaves the module ``last_map``.
    """

    def __init__(self, network: nn.Module, last_map: str, before: bool) -> None:
        super().__init__(network)
        self.last_map, self.before = last_map, before

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """See ``Encoder``."""
        maps: list[Tensor] = []
        module = self.network.get_submodule(self.last_map)
        if self.before:
            handle = module.register_forward_pre_hook(lambda module, inputs: maps.append(inputs[0]))
        else:
            handle = module.register_forward_hook(lambda module, inputs, output: maps.append(output))
        try:
            pooled: Tensor = self.network(x)
        finally:
            handle.remove()
        pooled = pooled.flatten(1)
        if maps[-1].ndim == 3:  # a vision transformer: one class token, then the patches
            tokens = maps[-1][:, 1:]
            patch = int(self.network.patch_size)  # type: ignore[arg-type]
            grid = [side // patch for side in x.shape[2:]]
            return Encoding(pooled, tokens.mT.reshape(*tokens.mT.shape[:2], *grid), tokens)
        return from_map(maps[-1])._replace(pooled=pooled)


def build(name: str, *, channels: int, size: tuple[int, ...], **options: Any) -> tuple[Encoder, dict[str, Any]]:
    """``options`` are the model's own. Weights are random; a vision transformer is built for ``size``.

    Raises UserError for volumes.
    """
    if len(size) != 2:
        raise UserError(f"torchvision:{name} is for two dimensions, not {len(size)}. Give size two numbers.")
    network = create(name, {**defaults(name, size), **options})
    remove_last_layer(network)
    replace_first_convolution(network, channels)
    place, before = _map_place(network)
    facts = {"pooling": "its own", "licence": "code: torchvision, BSD-3-Clause"}
    return TorchvisionEncoder(network, place, before), facts


def create(name: str, keywords: dict[str, Any]) -> nn.Module:
    """torchvision's network ``name`` as its authors made it, of random weights. Raises UserError."""
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = get_close_matches(name, known, n=4)
        raise UserError(
            f"torchvision has no network {name!r}." + (f" Did you mean {', '.join(near)}?" if near else "")
            + f" Known: {', '.join(known)}."
        )  # fmt: skip
    try:
        network: nn.Module = models.get_model(name, weights=None, **keywords)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise UserError(f"torchvision:{name} cannot be built: {error or type(error).__name__}.") from error
    return network


def pretrained(name: str) -> dict[str, Tensor]:
    """Tensors of torchvision's default weights, downloaded by torchvision. Raises UserError where they cannot be had."""
    from torchvision import models

    try:
        options = {"aux_logits": True} if name in ("googlenet", "inception_v3") else {}
        network: nn.Module = models.get_model(name, weights="DEFAULT", **options)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"The pretrained weights of torchvision:{name} could not be had: {reason[:200]}. Without a network, get "
            "the .pth file on another machine and give its path as weights."
        ) from error
    return dict(network.state_dict())


def statistics(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel that torchvision's default weights of ``name`` were trained with."""
    from torchvision import models

    transforms = models.get_model_weights(name)["DEFAULT"].transforms()
    return tuple(transforms.mean), tuple(transforms.std)


def remove_last_layer(network: nn.Module) -> None:
    """Replace ``last_layer`` by nothing."""
    name = last_layer(network)
    if name is not None:
        network.set_submodule(name, nn.Identity())


def last_layer(network: nn.Module) -> str | None:
    """Name of the last linear layer; where there is none (SqueezeNet), of the last convolution."""
    for kind in (nn.Linear, nn.Conv2d):
        names: list[str] = [name for name, module in network.named_modules() if isinstance(module, kind)]
        if names:
            return names[-1]
    return None


def defaults(name: str, size: tuple[int, ...]) -> dict[str, Any]:
    """Keywords of torchvision's function that the size and our use of the network ask for.

    Raises UserError where a network of square images is asked for others.
    """
    if name.startswith("vit_"):
        if size[0] != size[1]:
            raise UserError(f"torchvision:{name} takes square images only, not {size[0]}×{size[1]}.")
        return {"image_size": size[0]}
    if name == "maxvit_t":
        return {"input_size": size}
    # Auxiliary classifiers and the slow initialisation of both are of no use here.
    return {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}


def _map_place(network: nn.Module) -> tuple[str, bool]:
    """The module whose input (True) or output (False) is the last map."""
    return next((place, before) for place, before in _PLACES if hasattr(network, place))
