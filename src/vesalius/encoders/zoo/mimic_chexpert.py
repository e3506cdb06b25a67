"""CovidPrognosis' MoCo on MIMIC-CXR and CheXpert (Sriram et al., "COVID-19 prognosis via self-supervised representation
learning and multi-image prediction", 2021).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published, resized

if TYPE_CHECKING:
    from torch import Tensor

_PLACE = "https://dl.fbaipublicfiles.com/CovidPrognosis/pretrained_models/"


def _model(rate: str) -> Published:
    file = f"mimic-chexpert_lr_{rate}_bs_128_fd_128_qs_65536.pt"
    return Published(
        name=f"mimic-chexpert_lr_{rate}",
        architecture="densenet121",
        url=_PLACE + file,
        file=file,
        licence="weights without a stated licence, for research only (facebookresearch/CovidPrognosis, code MIT); MIMIC-CXR's and CheXpert's terms apply",
        trained_on=f"MIMIC-CXR and CheXpert without labels: MoCo from random weights, 200 epochs, learning rate {rate}",
        preprocessing=resized(224, {"equalise": {"bins": 256}}),
        mean=(0.0,) * 3,
        std=(1 / 255,) * 3,  # equalised grey is in [0, 1] here and was in [0, 255] there: the encoder multiplies by 255
        notes=(
            "transductive on CheXpert: it saw CheXpert's images, without labels, those that are tested on too",
            "grey images, their histogram equalised, values from 0 to 255",
        ),
    )


MODELS = {model.name: model for model in map(_model, ("0.01", "0.1", "1.0"))}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """Under ``state_dict`` (Lightning) the query encoder; its linear head, the key encoder and the queue are left out."""
    from vesalius.encoders.picking import picked

    return picked(path, model, nest="state_dict", prefix="model.encoder_q.", drop=("classifier.",))
