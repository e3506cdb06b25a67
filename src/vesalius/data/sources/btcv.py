"""BTCV: abdominal CT of fifty people as NIfTI, thirty of them with thirteen organs outlined.

Reads ``RawData/Training/{img,label}`` as Synapse gives it, from the folder itself or one above or below, and
``imagesTr``/``labelsTr`` as MONAI's tutorial moved it: ``img0001.nii.gz`` with ``label0001.nii.gz``. The twenty images
without labels (``Testing``, ``imagesTs``) are no rows.

Tasks ``24``, ``12`` and ``6`` learn from the volumes that the tutorial's lists name (1-10 and 21-34; 1-10, 21, 22; 1-6). All three
leave out 35 to 40, on which the tutorial chose its weights and reported them too. Here 35, 37 and 39 choose and 36, 38 and
40 are scored once, at the end: thirty labelled volumes leave nothing else that would not change what is learnt from. Landman
et al., "MICCAI Multi-Atlas Labeling Beyond the Cranial Vault", Synapse 2015, syn3193805. Licence: that of Synapse's data use terms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from vesalius.data.lists.listed import Listed
from vesalius.data.plan import Intensity, Plan
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError

SOURCE = "btcv"
CLASSES = (
    "background", "spleen", "right kidney", "left kidney", "gallbladder", "oesophagus", "liver", "stomach", "aorta",
    "inferior vena cava", "portal and splenic veins", "pancreas", "right adrenal gland", "left adrenal gland",
)  # fmt: skip
SHORT = (
    "background",
    "spleen",
    "rkid",
    "lkid",
    "gall",
    "eso",
    "liver",
    "sto",
    "aorta",
    "IVC",
    "veins",
    "pancreas",
    "rad",
    "lad",
)
"""The same in the words of MONAI's lists."""
TRAINING: Mapping[str, tuple[int, ...]] = {
    "24": (*range(1, 11), *range(21, 35)),
    "12": (*range(1, 11), 21, 22),
    "6": tuple(range(1, 7)),
}
VALIDATION, TEST = (35, 37, 39), (36, 38, 40)
TASKS: dict[str, TaskSpec] = {name: TaskSpec(name, "segmentation", (), CLASSES) for name in TRAINING}
LICENCE = "Synapse data use terms (syn3193805)"
URL = "https://www.synapse.org/Synapse:syn3193805"
IMAGE = re.compile(r"img(\d{4})\.nii(?:\.gz)?")
"""A volume's file; its group is the person's number."""
_LAYOUTS = (("img", "label"), ("imagesTr", "labelsTr"))
_BELOW = ("", "Training", "RawData/Training", "RawData", "Abdomen/RawData/Training", "Abdomen/RawData")


def plan() -> Plan:
    """The tutorial's 1.5 x 1.5 x 2 mm in RAS and its window of -175 to 250 HU."""
    window = Intensity(rule="window", low=-175, high=250)
    return Plan(
        modality="ct", orientation="RAS", spacing=(1.5, 1.5, 2.0), intensity=window, foreground=-175, patch=(96, 96, 96)
    )


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of the labelled volumes of ``task`` (24, 12 or 6; 24 when absent) that are there.

    Raises UserError where there are none, and where no volume is left to learn from or to choose by.
    """
    assert root is not None
    name = task or "24"
    images, labels = _folders(root)
    there = {label: f"{labels}/{label}" for label in _names(root / labels)}
    found: dict[int, tuple[str, str]] = {}
    for image in _names(root / images):
        if match := IMAGE.fullmatch(image):
            label = next((there[n] for end in (".nii.gz", ".nii") if (n := f"label{match[1]}{end}") in there), None)
            if label is not None:
                found[int(match[1])] = (f"{images}/{image}", label)
    wanted = sorted({*TRAINING[name], *VALIDATION, *TEST})
    numbers = [number for number in wanted if number in found]
    missing = tuple(f"img{number:04}.nii.gz with label{number:04}.nii.gz" for number in wanted if number not in found)
    splits = [_split(number) for number in numbers]
    for part, meant in (("train", TRAINING[name]), ("val", VALIDATION)):
        if part not in splits:
            raise UserError(
                f"None of the labelled volumes {', '.join(map(str, meant[:3]))} ... {meant[-1]}, which the task {name} of BTCV"
                f" {'learns from' if part == 'train' else 'chooses by'}, is in {root}. Get the others at {URL}, or name the data as a list"
                " (.json) with parts of your own."
            )
    warnings = (
        [f"{len(missing)} of {len(wanted)} labelled volumes are not there; they are left out."] if missing else []
    )
    uris, masks = zip(*(found[number] for number in numbers), strict=True)
    return table_of(root, uris, masks, splits, TASKS[name], warnings, missing)


def _split(number: int) -> str:
    return "val" if number in VALIDATION else "test" if number in TEST else "train"


def claims(listed: Listed) -> bool:
    """Whether a list names volumes of this collection alone, with its label values."""
    named = all(IMAGE.fullmatch(entry.image.rpartition("/")[2]) for entry in listed.entries)
    return named and listed.classes in (SHORT, CLASSES) and any(entry.mask for entry in listed.entries)


def of_list(root: Path, listed: Listed, labelled: bool, missing: tuple[str, ...]) -> SampleTable:
    """The table of a list that ``claims`` took. Where it has no labelled test volumes, every second validation volume tests."""
    entries = listed.entries
    uris, warnings = [entry.image for entry in entries], list(listed.warnings)
    splits = [entry.split or "train" for entry in entries]
    if labelled and "test" not in splits and splits.count("val") > 1:
        held_out = sorted((uri.rpartition("/")[2], row) for row, uri in enumerate(uris) if splits[row] == "val")
        for _, row in held_out[1::2]:
            splits[row] = "test"
        warnings.append(
            f"The list has no test: of its {len(held_out)} validation volumes, {len(held_out[0::2])} choose the weights and {len(held_out[1::2])}"
            " are scored once, at the end. With compat monai-tutorial all of them do both, as in the original."
        )
    numbers = tuple(
        sorted(
            int(match[1]) for uri, part in zip(uris, splits, strict=True) if part == "train" and (match := _number(uri))
        )
    )
    known = next((name for name, meant in TRAINING.items() if meant == numbers), "organs")
    task = TaskSpec(known, "segmentation", (), CLASSES) if labelled else None
    return table_of(
        root, uris, [entry.mask for entry in entries] if labelled else None, splits, task, warnings, missing
    )


def _number(uri: str) -> re.Match[str] | None:
    return IMAGE.fullmatch(uri.rpartition("/")[2])


def table_of(
    root: Path,
    uris: Sequence[str],
    masks: Sequence[str | None] | None,
    splits: Sequence[str],
    task: TaskSpec | None,
    warnings: Sequence[str] = (),
    missing: tuple[str, ...] = (),
) -> SampleTable:
    """A row for each volume, with its label volume unless ``masks`` is None. A volume has one id wherever its file lies, packed or not."""
    names = [uri.rpartition("/")[2].removesuffix(".gz") for uri in uris]
    return SampleTable.of(
        SOURCE,
        root,
        list(uris),
        {
            **({} if masks is None else {"mask": list(masks)}),
            "split": list(splits),
            "subject": public(SOURCE, [name[3:7] for name in names]),
        },
        names=names,
        task=task,
        licence=LICENCE,
        split_by="source",
        warnings=list(warnings),
        missing=missing,
        dims=3,
    )


def _folders(root: Path) -> tuple[str, str]:
    """The folders of images and labels, relative to ``root``."""
    for below in _BELOW:
        for images, labels in _LAYOUTS:
            one, two = (f"{below}/{folder}" if below else folder for folder in (images, labels))
            if (root / one).is_dir() and (root / two).is_dir():
                return one, two
    raise UserError(
        f"The folder {root} holds neither RawData/Training/img and RawData/Training/label, as BTCV unpacks, nor imagesTr and labelsTr."
        f" Get and unpack RawData.zip of the abdomen challenge ({URL}), and give its folder as {SOURCE}@FOLDER."
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
