"""Which part of a checkpoint is the encoder, where it holds several copies: by family, told by names and settings."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vesalius.encoders.layouts.contents import Contents, plain
from vesalius.encoders.layouts.volumes import DUPLICATE, axes_turned, planned

_ANCHOR = re.compile(
    r"^(?P<root>(?:.*?\.)??)(?:layer1\.0\.conv1|(?:densenet_)?(?:features\.)?denseblock1\.denselayer1\.conv\.?1|"
    r"patch_embed\.proj|conv_proj|\d+\.0\.conv1|patch_embedding\.patch_embeddings(?:\.1)?|conv_init|stem\.convs\.0\.conv)\.weight$"
)
_COPY = re.compile(r"momentum|encoder_k\b|key_encoder|student|_ema\b|\bema_|ema\.")
"""In the name of a part that is the other copy: of two the one without these words is taken."""


@dataclass(frozen=True)
class Part:
    """The encoder in a checkpoint: its ``root`` is the prefix of its names, ``tensors`` bear the rest of them."""

    family: str
    root: str
    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]
    """What the family says of the network and no tensor tells."""


@dataclass(frozen=True)
class _Family:
    """``root``: a pattern of the part that is taken; ``sign``: a pattern that some name must show; ``ssl_type``."""

    name: str
    root: str
    sign: str = ""
    ssl_type: str = ""
    lightning: bool = False
    facts: tuple[tuple[str, Any], ...] = ()

    def fits(self, contents: Contents, root: str) -> bool:
        """Whether ``root`` is what this family takes."""
        if not re.fullmatch(self.root, root) or (self.lightning and contents.kind != "Lightning checkpoint"):
            return False
        said = str(plain(contents.settings.get("ssl_type", ""))).lower()
        if self.ssl_type and self.ssl_type.lower() != said:
            return False
        return not self.sign or any(re.search(self.sign, name) for name in contents.tensors)


_INNEREYE = (("stem", "innereye"), ("final_relu", False))
# The first that fits is taken.
_FAMILIES = (
    _Family("InnerEye or hi-ml BYOL, its target encoder", r".*\btarget_network\.encoder\.cnn_model\.", ssl_type="BYOL", facts=_INNEREYE),
    _Family("InnerEye or hi-ml SimCLR, its encoder", r"(.*\.)?encoder\.cnn_model\.", ssl_type="SimCLR", facts=_INNEREYE),
    _Family("InnerEye or hi-ml BYOL, its target encoder", r".*\btarget_network\.encoder\.cnn_model\.", facts=_INNEREYE),
    _Family("InnerEye or hi-ml, its encoder", r"(.*\.)?(cnn_model|encoder\.cnn_model)\.", facts=_INNEREYE),
    _Family("BYOL, its target encoder", r"(.*\.)?target_(network|encoder)\.(.*\.)?"),
    _Family("MoCo, its query encoder", r"(.*\.)?encoder_q\.(.*\.)?"),
    _Family("MoCo v3, its base encoder", r"(.*\.)?base_encoder\.(.*\.)?"),
    _Family("lightly, its teacher", r"(.*\.)?teacher_backbone\.(.*\.)?", r"(^|\.)student_"),
    _Family("lightly, its backbone", r"(.*\.)?backbone\.(.*\.)?", r"(^|\.)(projection|prediction)_head\."),
    _Family("solo-learn, its backbone", r"(backbone|encoder)\.", r"^(projector|classifier|momentum_backbone)\.", lightning=True),
    _Family("SwAV, its encoder", r"(module\.)?", r"(^|\.)prototypes\."),
    _Family("UNETR, its ViT", r"(.*\.)?vit\.", r"(^|\.)decoder5\."),
    _Family("ViTAutoEnc, its encoder", r"(.*\.)?", r"(^|\.)conv3d_transpose\."),
    _Family("SwinUNETR, its encoder", r"(.*\.)?(swinViT|swin_vit)\."),
    _Family("SegResNetDS, its encoder", r"(.*\.)?encoder\.", r"(^|\.)up_layers\."),
    _Family("nnU-Net or nnssl, its encoder", r"(.*\.)?encoder\.", r"\.all_modules\."),
    _Family("MONAI's masked autoencoder, its encoder (the norm at the end of its blocks is norm)", r"(.*\.)?", r"(^|\.)mask_tokens$"),
    _Family("masked autoencoder, its encoder", r"(.*\.)?", r"(^|\.)decoder_(embed|blocks)\b"),
)  # fmt: skip


def encoder_in(contents: Contents, own: Collection[str] = ()) -> Part | None:
    """The encoder in ``contents``, or None where there is none of a known kind.

    ``own``: names of the tensors that a network wants; then the prefix under which most of them are found is taken.
    """
    roots = _roots(contents.tensors, own)
    if not roots:
        return None
    family = None
    for family in _FAMILIES:
        root = next((r for r in roots if family.fits(contents, r)), None)
        if root is not None:
            return _part(contents, family.name, root, dict(family.facts))
    root = min(roots, key=lambda r: (bool(_COPY.search(r)), len(r), r))
    return _part(contents, _in_words(contents, root), root, {})


def _in_words(contents: Contents, root: str) -> str:
    if contents.nest[-1:] == ("teacher",) and "student" in contents.keys:
        return "DINO, its teacher"
    return f"names under {root.rstrip('.')}" if root else "plain names"


def _part(contents: Contents, family: str, root: str, facts: dict[str, Any]) -> Part:
    if contents.nest[-1:] == ("teacher",) and "teacher" not in family:
        family = "DINO, its teacher"
    taken = {name.removeprefix(root): t for name, t in contents.tensors.items() if name.startswith(root)}
    twice = any(DUPLICATE.search(name) for name in taken)
    if twice:
        taken = {name: t for name, t in taken.items() if not DUPLICATE.search(name)}
        facts |= planned(contents.settings)
    return Part(family, root, axes_turned(taken, twice), facts)


def _roots(tensors: Mapping[str, Tensor], own: Collection[str]) -> list[str]:
    """Prefixes under which a whole encoder lies, the shortest first."""
    if own:
        names = list(own)
        probes = {names[0], names[len(names) // 2], names[-1]}
        roots = {""} | {k.removesuffix(p) for k in tensors for p in probes if k.endswith(p)}
        counts = {root: sum(root + name in tensors for name in names) for root in roots}
        most = max(counts.values())
        found = [root for root, count in counts.items() if count == most]
    else:
        found = list({m["root"] for name in tensors if (m := _ANCHOR.match(name))})
    return sorted(found, key=lambda root: (len(root), root))
