"""Checkpoints as other projects write them, each with the network it came from: written by their own library where the
tests have it, by hand in the layout of the project's code where not. One entry is one row of docs/checkpoints.md.
"""

from __future__ import annotations

import argparse
import enum
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import timm
import torch
from lightly.models import ResNetGenerator
from lightly.models.modules import DINOProjectionHead, SimCLRProjectionHead
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models


class SSLTrainingType(enum.Enum):
    """InnerEye's enumeration: pickled by its name, which nobody who reads the file has."""

    SimCLR = "SimCLR"
    BYOL = "BYOL"


@dataclass
class Other:
    """A file at ``path``, and the other project's ``forward`` to pooled features of images ``(B, *shape)``."""

    path: Path
    forward: Callable[[Tensor], Tensor]
    name: str
    """The architecture that must be recognised."""
    words: str
    """What must be said of the layout."""
    shape: tuple[int, ...] = (3, 64, 64)
    options: dict[str, Any] = field(default_factory=dict)
    head: bool = True
    """Whether there is a head to be left out."""


def lived(module: nn.Module, seed: int = 0) -> nn.Module:
    """``module`` in evaluation, every tensor away from its first value, so that a swapped one is noticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                noise = 0.02 * torch.randn(tensor.shape, generator=generator)
                tensor.copy_(tensor.abs() + 0.1 if name.endswith("running_var") else tensor + noise)
    return module.eval()


def headless(network: nn.Module) -> nn.Module:
    """A classifier of torchvision whose last layer does nothing."""
    for name in ("fc", "classifier", "heads", "head"):
        if hasattr(network, name):
            setattr(network, name, nn.Identity())
    return network


def under(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in module.state_dict().items()}


def resnet(small_stem: bool = False, name: str = "resnet18") -> nn.Module:
    network = models.get_model(name)
    if small_stem:
        network.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    return lived(network)


def pooled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    import copy

    bare = headless(copy.deepcopy(network)).eval()
    return lambda x: bare(x)


def vit(**options: Any) -> nn.Module:
    return lived(timm.create_model("vit_tiny_patch16_224", img_size=64, **options))


def features(network: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda x: network.forward_head(network.forward_features(x), pre_logits=True)


def lightning(tensors: dict[str, Tensor], **hyper_parameters: Any) -> dict[str, Any]:
    """What Lightning 1.x wrote, a callback's class among the keys and an optimizer's state beside the weights."""
    from pytorch_lightning.callbacks import ModelCheckpoint

    moments = {0: {"step": 3, "exp_avg": torch.rand(3), "exp_avg_sq": torch.rand(3)}}
    return {
        "epoch": 1,
        "global_step": 7,
        "pytorch-lightning_version": "1.6.5",
        "state_dict": tensors,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"current": {"ready": 1}}}},
        "callbacks": {ModelCheckpoint: {"best_model_path": Path("last.ckpt"), "best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": moments, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": [0]}]}],
        "lr_schedulers": [{"warmup_epochs": 10, "_step_count": 2}],
        "hparams_name": "kwargs",
        "hyper_parameters": hyper_parameters,
    }


def innereye_byol(folder: Path) -> Other:
    target, online = resnet(small_stem=True), resnet(small_stem=True)
    tensors: dict[str, Tensor] = {}
    for arm, network in (("online_network", online), ("target_network", target)):
        tensors |= under(f"{arm}.encoder.cnn_model.", lived(network, len(arm)))
        for head, width in (("projector", 512), ("predictor", 128)):
            tensors |= under(
                f"{arm}.{head}.model.", nn.Sequential(nn.Linear(width, 16, bias=False), nn.BatchNorm1d(16))
            )
    tensors |= under("non_linear_evaluator.block_forward.2.", nn.Linear(512, 10))
    content = lightning(tensors, ssl_type=SSLTrainingType.BYOL, num_classes=10, encoder_name="resnet18", num_samples=9)
    torch.save(content, folder / "last.ckpt")
    options = {"stem": "innereye"}
    return Other(folder / "last.ckpt", pooled(target), "resnet18", "BYOL, its target encoder", (3, 32, 32), options)


def innereye_simclr(folder: Path) -> Other:
    network = resnet()
    head = under("projection.model.", nn.Sequential(nn.Linear(512, 16), nn.BatchNorm1d(16)))
    content = lightning(
        {**under("encoder.cnn_model.", network), **head}, ssl_type="SimCLR", num_classes=2, dataset="kaggle"
    )
    torch.save(content, folder / "last.ckpt")
    return Other(folder / "last.ckpt", pooled(network), "resnet18", "SimCLR, its encoder", options={"stem": "standard"})


def innereye_densenet(folder: Path) -> Other:
    network = lived(models.densenet121())
    tensors = under("target_network.encoder.cnn_model.densenet_features.", network.features)
    tensors |= under("target_network.projector.model.", nn.Linear(1024, 16))
    torch.save(lightning(tensors, ssl_type="BYOL", num_classes=2), folder / "last.ckpt")
    options = {"stem": "standard", "final_relu": False}
    last = Other(folder / "last.ckpt", lambda x: network.features(x).mean((2, 3)), "densenet121", "target encoder")
    last.options = options
    return last


def innereye_classifier(folder: Path) -> Other:
    network = resnet()
    head = under("classifier_head.block_forward.2.", nn.Linear(512, 2))
    torch.save(lightning({**under("encoder.cnn_model.", network), **head}), folder / "last.ckpt")
    return Other(folder / "last.ckpt", pooled(network), "resnet18", "InnerEye or hi-ml, its encoder")


def torchvision_resnet(folder: Path) -> Other:
    network = resnet(name="resnet50")
    torch.save(network.state_dict(), folder / "resnet50-11ad3fa6.pth")
    return Other(folder / "resnet50-11ad3fa6.pth", pooled(network), "resnet50", "torch file; plain names")


def torchvision_densenet(folder: Path) -> Other:
    network = lived(models.densenet121())
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", k): v for k, v in network.state_dict().items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, folder / "densenet121-a639ec97.pth")
    return Other(folder / "densenet121-a639ec97.pth", pooled(network), "densenet121", "plain names")


def torchvision_vit(folder: Path) -> Other:
    network = lived(models.VisionTransformer(64, 16, 12, 3, 192, 768))
    torch.save({"model": network.state_dict(), "epoch": 3, "args": argparse.Namespace(lr=0.1)}, folder / "model_3.pth")
    return Other(
        folder / "model_3.pth", pooled(network), "timm:vit_tiny_patch16_224", "torch file under model; plain names"
    )


def timm_resnet(folder: Path) -> Other:
    network = lived(timm.create_model("resnet18", num_classes=7))
    content = {
        "epoch": 2,
        "arch": "resnet18",
        "state_dict": network.state_dict(),
        "args": argparse.Namespace(opt="sgd"),
    }
    torch.save(content, folder / "model_best.pth.tar")
    return Other(
        folder / "model_best.pth.tar", features(network), "resnet18", "torch file under state_dict; plain names"
    )


def timm_vit(folder: Path) -> Other:
    network = vit(in_chans=1)
    save_file(network.state_dict(), folder / "vit.safetensors")
    name = "timm:vit_tiny_patch16_224"
    return Other(folder / "vit.safetensors", features(network), name, "safetensors; plain names", (1, 64, 64))


def timm_hub(folder: Path) -> Other:
    network = lived(timm.create_model("mobilenetv3_small_050", num_classes=3))
    timm.models.save_for_hf(network, folder / "hub", safe_serialization=True)
    config = network.pretrained_cfg

    def forward(x: Tensor) -> Tensor:
        mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
        return features(network)((x - mean) / std)

    return Other(folder / "hub", forward, "timm:mobilenetv3_small_050", "safetensors")


def timm_by_name(folder: Path) -> Other:
    network = lived(timm.create_model("convnext_atto", num_classes=3))
    torch.save({"arch": "convnext_atto", "state_dict": under("module.", network)}, folder / "last.pth.tar")
    return Other(folder / "last.pth.tar", features(network), "timm:convnext_atto", "torch file under state_dict")


def whole_module(folder: Path) -> Other:
    network = resnet()
    torch.save({"model": nn.Sequential(network), "epoch": 1}, folder / "model.pt")
    return Other(folder / "model.pt", pooled(network), "resnet18", "torch file under model.a whole module")


def old_format(folder: Path) -> Other:
    network = resnet()
    torch.save({"state_dict": under("module.", network)}, folder / "old.pth", _use_new_zipfile_serialization=False)
    return Other(folder / "old.pth", pooled(network), "resnet18", "names under module")


def arrays(folder: Path) -> Other:
    network = resnet()
    content = {"model": {k: v.numpy() for k, v in network.state_dict().items()}, "__author__": "OpenSelfSup"}
    (folder / "r18.pkl").write_bytes(pickle.dumps(content, protocol=2))
    return Other(folder / "r18.pkl", pooled(network), "resnet18", "pickle under model; plain names")


def moco(folder: Path) -> Other:
    query, key = resnet(), resnet()
    tensors = {**under("module.encoder_q.", query), **under("module.encoder_k.", lived(key, 5))}
    tensors["module.queue"] = torch.rand(128, 16)
    torch.save(
        {"epoch": 200, "arch": "resnet18", "state_dict": tensors, "optimizer": {"state": {}}}, folder / "m.pth.tar"
    )
    return Other(folder / "m.pth.tar", pooled(query), "resnet18", "MoCo, its query encoder")


def moco_v3(folder: Path) -> Other:
    base, momentum = vit(), lived(vit(), 5)
    tensors = {**under("module.base_encoder.", base), **under("module.momentum_encoder.", momentum)}
    torch.save({"arch": "vit_small", "state_dict": tensors}, folder / "vit.pth.tar")
    return Other(folder / "vit.pth.tar", features(base), "timm:vit_tiny_patch16_224", "MoCo v3, its base encoder")


def dino(folder: Path) -> Other:
    teacher, student, head = vit(num_classes=0), lived(vit(num_classes=0), 5), DINOProjectionHead(192, 16, 8, 32)
    content = {
        "student": {**under("module.backbone.", student), **under("module.head.", head)},
        "teacher": {**under("backbone.", teacher), **under("head.", head)},
        "optimizer": {"state": {}},
        "args": argparse.Namespace(arch="vit_tiny", patch_size=16, output_dir=Path(".")),
        "dino_loss": {"center": torch.rand(1, 32)},
    }
    torch.save(content, folder / "checkpoint0100.pth")
    return Other(folder / "checkpoint0100.pth", features(teacher), "timm:vit_tiny_patch16_224", "DINO, its teacher")


def dino_v2(folder: Path) -> Other:
    options = {"img_size": 56, "num_classes": 0, "depth": 12, "embed_dim": 192, "num_heads": 3}
    network = lived(timm.create_model("vit_small_patch14_reg4_dinov2", **options))
    theirs = dict(network.state_dict())
    theirs["register_tokens"] = theirs.pop("reg_token")
    position = torch.rand(1, 1, 192)
    theirs["cls_token"] = theirs["cls_token"] - position
    theirs["pos_embed"] = torch.cat([position, theirs["pos_embed"]], 1)
    theirs["mask_token"] = torch.zeros(1, 192)
    chunked = {
        re.sub(r"^blocks\.(\d+)\.", lambda m: f"blocks.{int(m[1]) // 6}.{m[1]}.", k): v for k, v in theirs.items()
    }
    torch.save({"teacher": {f"backbone.{k}": v for k, v in chunked.items()}}, folder / "teacher_checkpoint.pth")
    name = "timm:vit_tiny_patch16_224"
    return Other(
        folder / "teacher_checkpoint.pth", features(network), name, "DINO, its teacher", (3, 56, 56), head=False
    )


def masked_autoencoder(folder: Path) -> Other:
    network = vit(num_classes=0)
    decoder = {"mask_token": torch.rand(1, 1, 64), "decoder_pos_embed": torch.rand(1, 17, 64)}
    decoder |= under("decoder_embed.", nn.Linear(192, 64)) | under("decoder_blocks.0.mlp.fc1.", nn.Linear(64, 64))
    torch.save({"model": {**network.state_dict(), **decoder}, "args": argparse.Namespace()}, folder / "mae.pth")
    return Other(folder / "mae.pth", features(network), "timm:vit_tiny_patch16_224", "masked autoencoder, its encoder")


def simsiam(folder: Path) -> Other:
    network = resnet()
    network.fc = nn.Sequential(nn.Linear(512, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 16))
    tensors = {**under("module.encoder.", network), **under("module.predictor.", nn.Linear(16, 16))}
    torch.save({"epoch": 99, "arch": "resnet18", "state_dict": tensors}, folder / "checkpoint_0099.pth.tar")
    return Other(folder / "checkpoint_0099.pth.tar", pooled(network), "resnet18", "names under module.encoder")


def barlow_twins(folder: Path) -> Other:
    network = headless(resnet())
    tensors = {**under("module.backbone.", network), **under("module.projector.", nn.Linear(512, 16))}
    torch.save({"epoch": 9, "model": tensors, "optimizer": {"state": {}}}, folder / "checkpoint.pth")
    return Other(folder / "checkpoint.pth", pooled(network), "resnet18", "under model; names under module.backbone")


def swav(folder: Path) -> Other:
    network = headless(resnet())
    tensors = under("module.", network) | under("module.projection_head.", nn.Linear(512, 16))
    torch.save(tensors | under("module.prototypes.", nn.Linear(16, 30, bias=False)), folder / "swav.pth.tar")
    return Other(folder / "swav.pth.tar", pooled(network), "resnet18", "SwAV, its encoder")


def solo_learn(folder: Path) -> Other:
    from omegaconf import OmegaConf

    network, momentum = headless(resnet()), headless(lived(resnet(), 5))
    tensors = under("backbone.", network) | under("classifier.", nn.Linear(512, 10))
    tensors |= under("projector.", nn.Linear(512, 16)) | under("momentum_backbone.", momentum)
    config = OmegaConf.create({"method": "byol", "backbone": {"name": "resnet18"}, "max_epochs": 1000})
    torch.save(lightning(tensors, cfg=config), folder / "byol-ep=999.ckpt")
    return Other(folder / "byol-ep=999.ckpt", pooled(network), "resnet18", "solo-learn, its backbone")


def lightly_sequence(folder: Path) -> Other:
    network = resnet()
    backbone = nn.Sequential(*list(network.children())[:-1]).eval()
    tensors = under("backbone.", backbone) | under("projection_head.", SimCLRProjectionHead(512, 64, 16))
    content = {"epoch": 9, "state_dict": tensors, "pytorch-lightning_version": "2.6.0", "hyper_parameters": None}
    torch.save(content, folder / "epoch=9.ckpt")
    return Other(folder / "epoch=9.ckpt", lambda x: backbone(x).flatten(1), "resnet18", "lightly, its backbone")


def lightly_dino(folder: Path) -> Other:
    teacher, student = (nn.Sequential(*list(n.children())[:-1]).eval() for n in (resnet(), lived(resnet(), 5)))
    tensors = under("student_backbone.", student) | under("teacher_backbone.", teacher)
    tensors |= under("student_head.", DINOProjectionHead(512, 16, 8, 32))
    torch.save({"state_dict": tensors}, folder / "d.ckpt")
    return Other(folder / "d.ckpt", lambda x: teacher(x).flatten(1), "resnet18", "lightly, its teacher")


def lightly_own(folder: Path) -> Other:
    network = lived(ResNetGenerator("resnet-18", width=0.25))
    tensors = under("backbone.", network) | under("projection_head.", SimCLRProjectionHead(128, 64, 16))
    torch.save({"state_dict": tensors}, folder / "r.ckpt")

    def forward(x: Tensor) -> Tensor:
        x = torch.relu(network.bn1(network.conv1(x)))
        return network.layer4(network.layer3(network.layer2(network.layer1(x)))).mean((2, 3))

    options = {"stem": "small", "width": 0.25}
    return Other(folder / "r.ckpt", forward, "resnet18", "lightly, its backbone", (3, 32, 32), options)


def lightly_worker(folder: Path) -> Other:
    network = ResNetGenerator("resnet-18", width=0.25)
    parts = [nn.BatchNorm2d(3), *list(network.children())[:-1], nn.Conv2d(128, 32, 1), nn.AdaptiveAvgPool2d(1)]
    backbone = lived(nn.Sequential(*parts))
    tensors = under("model.backbone.", backbone) | under("model.projection_head.", SimCLRProjectionHead(32, 32, 16))
    torch.save({"state_dict": tensors}, folder / "worker.ckpt")
    options = {"num_ftrs": 32, "width": 0.25}
    body = backbone[:7]
    return Other(folder / "worker.ckpt", lambda x: body(x).mean((2, 3)), "lightly-resnet18", "Lightly Worker", (3, 32, 32), options)


ROWS: dict[str, Callable[[Path], Other]] = {
    function.__name__: function
    for function in (
        innereye_byol, innereye_simclr, innereye_densenet, innereye_classifier, torchvision_resnet, torchvision_densenet,
        torchvision_vit, timm_resnet, timm_vit, timm_hub, timm_by_name, whole_module, old_format, arrays,
        moco, moco_v3, dino, dino_v2, masked_autoencoder, simsiam, barlow_twins, swav, solo_learn, lightly_sequence,
        lightly_dino, lightly_own, lightly_worker,
    )
}  # fmt: skip
