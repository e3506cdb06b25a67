"""MoCo-CXR: MoCo v2 on CheXpert from ImageNet's weights (Sowrirajan et al., MIDL 2021).

The names are those of the SSL_medicalimaging project, which called them after MIMIC-CXR; no image of it was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published, resized

if TYPE_CHECKING:
    from torch import Tensor

_PLACE = "https://storage.googleapis.com/moco-cxr/"


def _model(short: str, architecture: str, file: str) -> Published:
    return Published(
        name=f"mimic-cxr_{short}_lr_1e-4",
        architecture=architecture,
        url=_PLACE + file,
        file=file,
        licence="none stated (stanfordmlgroup/MoCo-CXR); CheXpert's terms ask for research use",
        trained_on="CheXpert without labels: MoCo v2 from ImageNet-supervised weights, 20 epochs at 320 pixels",
        size=(320, 320),
        preprocessing=resized(320),
        mean=(0.5020,) * 3,
        std=(0.085585,) * 3,
        notes=(
            "transductive on CheXpert: it saw CheXpert's images, without labels, those that are tested on too",
            "this is MoCo-CXR: the name says MIMIC-CXR, as SSL_medicalimaging's does, and no image of MIMIC-CXR was trained on",
        ),
        aliases=(f"moco-cxr_{short}", f"moco-cxr-{short}"),
    )


MODELS = {
    model.name: model
    for model in (_model("r18", "resnet18", "r8w-00001.pth.tar"), _model("d121", "densenet121", "d1w-00001.pth.tar"))
}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """Under ``state_dict`` the query encoder, in ``DistributedDataParallel``; its two-layer head is left out."""
    from vesalius.encoders.picking import picked

    return picked(path, model, nest="state_dict", prefix="module.encoder_q.", drop=("fc.", "classifier."))
