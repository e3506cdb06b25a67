"""Checkpoints of volumes as MONAI, its tutorials and nnU-Net write them, each version with the names it had (1.6 is installed:
older ones differ from it by the tensors that are added or taken away here). One entry is one row of docs/checkpoints.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tests.encoders.layouts.files_of_others import Other, lived, under

WIDTH: dict[str, Any] = {"hidden_size": 24, "mlp_dim": 48}
SIDES = (32, 32, 32)
SHAPE = (1, *SIDES)
VIT: dict[str, Any] = {**WIDTH, "num_layers": 12, "patch_size": [16, 16, 16]}
"""What must be told of the networks below."""


def autoencoder() -> nn.Module:
    """What the tutorial pretrains; its encoder's 161 tensors and a decoder of four."""
    from monai.networks.nets import ViTAutoEnc

    return lived(ViTAutoEnc(1, SIDES, (16, 16, 16), **WIDTH))


def tokens_of(network: Any) -> Callable[[Tensor], Tensor]:
    """MONAI's own blocks and norm, pooled."""

    def forward(x: Tensor) -> Tensor:
        x = network.patch_embedding(x)
        for block in network.blocks:
            x = block(x)
        return network.norm(x).mean(1)

    return forward


def without_norms(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """MONAI before 1.4: no norm of a cross-attention."""
    return {name: tensor for name, tensor in tensors.items() if "norm_cross_attn" not in name}


def tutorial_best(folder: Path) -> Other:
    network = autoencoder()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(1, *SHAPE))[0].mean().backward()
    optimizer.step()
    lived(network)
    content = {"epoch": 500, "state_dict": network.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(content, folder / "best_model.pt")
    return Other(folder / "best_model.pt", tokens_of(network), "monai:vit", "ViTAutoEnc, its encoder", SHAPE, VIT)


def tutorial_processes(folder: Path) -> Other:
    network = autoencoder()
    content = {"state_dict": under("module.", network), "optimizer": {}, "max_accuracy": 0.0, "epoch": 99}
    torch.save(content, folder / "ckpt_best.pth")
    return Other(folder / "ckpt_best.pth", tokens_of(network), "monai:vit", "ViTAutoEnc, its encoder", SHAPE, VIT)


def monai_0_8(folder: Path) -> Other:
    network = autoencoder()
    tensors = without_norms(network.state_dict())
    tensors |= {"patch_embedding.cls_token": torch.zeros(1, 1, 24), "linear_1.weight": torch.rand(4, 24)}
    torch.save({"state_dict": tensors}, folder / "old.pt")
    return Other(folder / "old.pt", tokens_of(network), "monai:vit", "ViTAutoEnc, its encoder", SHAPE, VIT)


def monai_1_3(folder: Path) -> Other:
    network = autoencoder()
    torch.save(without_norms(network.state_dict()), folder / "vit.pt")
    return Other(folder / "vit.pt", tokens_of(network), "monai:vit", "ViTAutoEnc, its encoder", SHAPE, VIT)


def monai_1_4(folder: Path) -> Other:
    network = autoencoder()
    tensors = dict(network.state_dict())
    for block in range(12):
        for name in ("to_q.weight", "to_k.weight", "to_v.weight", "out_proj.weight"):
            tensors[f"blocks.{block}.cross_attn.{name}"] = torch.rand(24, 24)
        tensors[f"blocks.{block}.cross_attn.out_proj.bias"] = torch.rand(24)
    torch.save({"state_dict": tensors}, folder / "vit.pt")
    return Other(folder / "vit.pt", tokens_of(network), "monai:vit", "ViTAutoEnc, its encoder", SHAPE, VIT)


def monai_meta_tensors(folder: Path) -> Other:
    from monai.data import MetaTensor

    network = autoencoder()
    tensors = {name: MetaTensor(tensor, meta={"filename": "scan.nii"}) for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": tensors}, folder / "meta.pt")
    return Other(folder / "meta.pt", tokens_of(network), "monai:vit", "ViTAutoEnc, its encoder", SHAPE, VIT)


def monai_unetr(folder: Path) -> Other:
    from monai.networks.nets import UNETR

    network = lived(UNETR(1, 3, SIDES, feature_size=4, **WIDTH))
    torch.save(network.state_dict(), folder / "unetr.pt")
    return Other(folder / "unetr.pt", tokens_of(network.vit), "monai:vit", "UNETR, its ViT", SHAPE, VIT)


def monai_mae(folder: Path) -> Other:
    from monai.networks.nets.masked_autoencoder_vit import MaskedAutoEncoderViT

    options: dict[str, Any] = {"decoder_hidden_size": 24, "decoder_num_layers": 1, "pos_embed_type": "learnable"}
    network: Any = lived(MaskedAutoEncoderViT(1, SIDES, (16, 16, 16), **options, **WIDTH))
    torch.save(network.state_dict(), folder / "mae.pt")
    words = "the norm at the end of its blocks is norm"
    return Other(
        folder / "mae.pt", lambda x: network.blocks(network.patch_embedding(x)).mean(1), "monai:vit", words, SHAPE, VIT
    )


def monai_mae_fixed(folder: Path) -> Other:
    from monai.networks.nets.masked_autoencoder_vit import MaskedAutoEncoderViT

    network: Any = MaskedAutoEncoderViT(
        1, SIDES, (16, 16, 16), decoder_hidden_size=24, decoder_num_layers=1, **WIDTH
    ).eval()
    torch.save(network.state_dict(), folder / "mae.pt")
    options = {**VIT, "pos_embed_type": "sincos"}
    return Other(
        folder / "mae.pt",
        lambda x: network.blocks(network.patch_embedding(x)).mean(1),
        "monai:vit",
        "fixed positions",
        SHAPE,
        options,
    )


def swin(prefix: str = "") -> tuple[Any, dict[str, Tensor]]:
    from monai.networks.nets import SwinUNETR

    network: Any = lived(SwinUNETR(1, 3, feature_size=12, depths=(1, 1, 1, 1), window_size=4))
    return network, {prefix + name: tensor for name, tensor in network.swinViT.state_dict().items()}


SWIN: dict[str, Any] = {"feature_size": 12, "depths": [1, 1, 1, 1], "num_heads": [3, 6, 12, 24], "window_size": 4}


def swin_features(network: Any) -> Callable[[Tensor], Tensor]:
    return lambda x: network.swinViT(x)[-1].mean((2, 3, 4))


def monai_swin_unetr(folder: Path) -> Other:
    network, _ = swin()
    torch.save({"state_dict": network.state_dict()}, folder / "swin.pt")
    return Other(folder / "swin.pt", swin_features(network), "monai:swin_unetr", "SwinUNETR, its encoder", SHAPE, SWIN)


def swin_pretrained(folder: Path) -> Other:
    network, tensors = swin("module.")
    tensors = {name.replace("mlp.linear", "mlp.fc"): tensor for name, tensor in tensors.items()}
    torch.save({"state_dict": tensors}, folder / "model_swinvit.pt")
    return Other(
        folder / "model_swinvit.pt",
        swin_features(network),
        "monai:swin_unetr",
        "names under module",
        SHAPE,
        SWIN,
        head=False,
    )


def swin_head(folder: Path) -> Other:
    network, tensors = swin("module.swin_vit.")
    tensors |= {"module.rotation_head.weight": torch.rand(4, 192), "module.contrastive_head.weight": torch.rand(8, 192)}
    torch.save({"state_dict": tensors, "global_step": 9}, folder / "head.pt")
    return Other(folder / "head.pt", swin_features(network), "monai:swin_unetr", "SwinUNETR, its encoder", SHAPE, SWIN)


def swin_disruptive(folder: Path) -> Other:
    network, tensors = swin()
    moved = {f"encoder.{n[:10]}0.{n[10:]}" if n.startswith("layers") else f"encoder.{n}": t for n, t in tensors.items()}
    torch.save({"model": {"encoder.mask_token": torch.rand(1, 12), **moved}}, folder / "ssl.pth")
    return Other(folder / "ssl.pth", swin_features(network), "monai:swin_unetr", "names under encoder", SHAPE, SWIN)


def monai_segresnet(folder: Path) -> Other:
    from monai.networks.nets import SegResNetDS

    network: Any = lived(SegResNetDS(3, 8, 1, 3, blocks_down=(1, 1, 2)))
    torch.save(network.state_dict(), folder / "seg.pt")
    options = {"init_filters": 8, "blocks_down": [1, 1, 2], "norm": "batch"}
    return Other(
        folder / "seg.pt",
        lambda x: network.encoder(x)[-1].mean((2, 3, 4)),
        "monai:segresnet",
        "SegResNetDS, its encoder",
        SHAPE,
        options,
    )


def nnssl(folder: Path) -> Other:
    """Names and plan as nnssl's trainer saves them; the network's every tensor is there under two names, and in the decoder."""
    from vesalius.encoders import build_encoder

    options: dict[str, Any] = {"features": [8, 16, 24], "blocks": [1, 2, 2], "strides": [1, [2, 2, 1], 2]}
    encoder = build_encoder("resenc-l", channels=1, size=(32, 32, 16), **options).eval()
    lived(encoder.network)
    tensors: dict[str, Tensor] = {}
    for name, tensor in encoder.network.state_dict().items():
        turned = tensor.movedim((2, 3, 4), (4, 3, 2)) if tensor.ndim == 5 else tensor  # its volumes are z, y, x
        twin = name.replace(".conv.", ".all_modules.0.").replace(".norm.", ".all_modules.1.")
        tensors |= {f"{part}{key}": turned for part in ("encoder.", "decoder.encoder.") for key in (name, twin)}
    plan = {
        "architecture_plans": {"arch_class_name": "ResidualEncoderUNet", "arch_kwargs": {"strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]]}},
        "pretrain_plan": {"configurations": {"onemmiso": {"patch_size": [16, 32, 32], "spacing": [1.0, 1.0, 1.0]}}},
        "key_to_encoder": "encoder.stages",
        "key_to_stem": "encoder.stem",
    }  # fmt: skip
    content = {
        "network_weights": tensors,
        "optimizer_state": {"state": {0: {"momentum_buffer": torch.rand(9)}}},
        "current_epoch": 7,
    }
    torch.save(
        {**content, "logging": {"loss": [0.5]}, "init_args": {}, "nnssl_adaptation_plan": plan},
        folder / "checkpoint_final.pth",
    )
    shape = (1, 32, 32, 16)
    return Other(
        folder / "checkpoint_final.pth", lambda x: encoder(x).pooled, "resenc-l", "as its plan says", shape, options
    )


VOLUMES: dict[str, Callable[[Path], Other]] = {
    function.__name__: function
    for function in (
        tutorial_best, tutorial_processes, monai_0_8, monai_1_3, monai_1_4, monai_meta_tensors, monai_unetr, monai_mae,
        monai_mae_fixed, monai_swin_unetr, swin_pretrained, swin_head, swin_disruptive, monai_segresnet, nnssl,
    )
}  # fmt: skip
