"""A hospital's folder: radiographs in the layouts they are downloaded in, and CIFAR; lines of the migration page made small."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.coverage.command_line import DEBUG, TINY
from tests.data.sources.native import cifar
from tests.trees import chexpert, covid, nih, rsna
from vesalius.runs import Run

SMALL = (*TINY, *DEBUG, "--views", "radiograph-64", "--monitors.knn.k", "3")
CLASSIFIER = ("--threads", "1", "--is_debug_model", "True", "--num_epochs", "1", "--linear_head_batch_size", "4")
RUN_ID = "RUN_ID"


def build(folder: Path) -> Path:
    """Write all data sets below ``folder``: nih, rsna, covid, chexpert, cifar10, cifar100."""
    nih.write(folder / "nih", 12, side=32)
    rsna.write(folder / "rsna", 24, side=32)
    covid.write(folder / "covid", side=32)
    chexpert.write(folder, 20, version="chexpert", side=32)
    cifar(folder / "cifar10", "cifar10", 6)
    cifar(folder / "cifar100", "cifar100", 40)
    return folder


def words_of(line: str, byol: Path) -> list[str]:
    """The words of ``line`` without ``vesalius``, RUN_ID being that of the run ``byol``, and what makes a training small."""
    program, *words = shlex.split(line)
    assert program == "vesalius"
    if RUN_ID in line:
        words = [word.replace(RUN_ID, Run.open(byol).facts()["id"]) for word in words]
    if words[0] == "pretrain":
        small = SMALL if "CIFAR" not in line else (*TINY, *DEBUG)
        return [*words, *(word for word in small if "_augmentation_config" not in line or word not in ("--views", "radiograph-64"))]
    return [*words, *CLASSIFIER] if words[0] == "finetune" else words
