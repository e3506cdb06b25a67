"""How deep each parameter of an encoder lies: embeddings at 0, then layer by layer, for rates that fall towards the input.

Clark et al., "ELECTRA", ICLR 2020, section 3; Bao et al., "BEiT", ICLR 2022. MAE and DINOv2 are fine-tuned with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from vesalius.encoders.encoder import Encoder

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_BLOCKS = 3
"""From so many modules of one class on, a container holds the layers of a network and not the parts of one block."""


def layer_of(encoder: Encoder) -> tuple[dict[str, int], int]:
    """The depth of every parameter, by its name within ``encoder.network``, and the number of depths.

    Depths are 0, 1, ... without a gap; what stands upon the encoder (a projector, a head) has the number of depths as its
    own. A network of timm is divided by its own matcher: transformers by block with embeddings, positions and tokens
    at 0, convolutional ones by block. Any other network is divided in the order of its children, lists of blocks
    block by block: ResNets by block, DenseNets by dense block and transition. A norm belongs to the layer before it.
    """
    found = _by_matcher(encoder.network) if hasattr(encoder.network, "group_matcher") else _by_order(encoder.network)
    numbers = {depth: number for number, depth in enumerate(sorted(set(found.values())))}
    return {name: numbers[depth] for name, depth in found.items()}, max(1, len(numbers))


def _by_matcher(network: nn.Module) -> dict[str, int]:
    """timm's own division. What its matcher does not know would count as the classifier: tokens and positions, which
    are parameters of the network itself, are put at 0, and the rest (a last norm or convolution) with the last layer.
    """
    from timm.models import group_parameters

    matcher = network.group_matcher(coarse=False)  # type: ignore[operator]
    asked = _Named(network)
    found: dict[str, int] = group_parameters(asked, matcher, reverse=True)  # type: ignore[arg-type]
    beyond = found.pop(_Named.BEYOND)
    last = max((depth for depth in found.values() if depth < beyond), default=0)
    return {name: depth if depth < beyond else 0 if "." not in name else last for name, depth in found.items()}


class _Named:
    """A network's parameters and one name that no matcher knows, so that the depth of the unknown is seen."""

    BEYOND = "~"

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter | None]]:
        """What timm asks for."""
        yield from self.network.named_parameters()
        yield self.BEYOND, None


def _by_order(network: nn.Module) -> dict[str, int]:
    depth, depths = -1, dict[int, int]()
    for opens, parameters in _units(network, top=True):
        new = [p for p in parameters if id(p) not in depths]
        depth += bool(new) and opens
        depths |= {id(p): max(0, depth) for p in new}
    return {name: depths[id(p)] for name, p in network.named_parameters()}


def _units(module: nn.Module, top: bool) -> Iterator[tuple[bool, list[nn.Parameter]]]:
    """Layers in order: whether each is one of its own, and its parameters. ``top``: outside any list of blocks."""
    yield False, list(module.parameters(recurse=False))
    children = [child for child in module.children() if any(True for _ in child.parameters())]
    alone = top and len(children) == 1 and any(True for _ in children[0].children())
    for child in children:
        listed = type(child) in _CONTAINERS
        if _is_stage(child):
            yield from _units(child, top=False)
        elif listed or alone or (top and _holds_blocks(child)):
            yield from _units(child, top=top and type(module) not in _CONTAINERS and not listed)
        else:
            parameters = list(child.parameters())
            yield any(p.ndim > 1 for p in parameters), parameters


def _is_stage(module: nn.Module) -> bool:
    """Whether a family marked ``module`` as a stage: its blocks are layers, though it is itself an item of a list."""
    return getattr(module, "is_stage", False) is True


def _holds_blocks(module: nn.Module) -> bool:
    """Whether a container of at least so many blocks of one class lies right inside ``module``."""
    for child in module.children():
        kinds = [type(block) for block in child.children() if any(True for _ in block.children())]
        if isinstance(child, _CONTAINERS) and len(kinds) >= _BLOCKS and len(set(kinds)) == 1:
            return True
    return False
