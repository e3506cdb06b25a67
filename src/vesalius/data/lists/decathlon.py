"""Lists of MONAI and of the Medical Segmentation Decathlon: ``{"training": [{"image", "label"}, ...], "validation", "test"}``.

Both forms of MONAI's tutorial are of it: pretraining (``image`` alone) and BTCV (``labels`` by number, test entries as plain
words). ``numTraining`` and ``numTest`` are passed over: the tutorial's own are untrue. An entry's ``fold`` and whatever else it
says is kept to filter by; ``subject`` (or ``patient``, ``subject_id``) is whose it is. A list of images stands for several channels of
one volume: each becomes a volume of its own where nothing is labelled. (``load_decathlon_datalist``, monai.data.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.data.lists.listed import Entry, Listed, classes_of, path_of, split_of
from vesalius.errors import UserError

FORM = "a list of MONAI or the Decathlon"
_PEOPLE = ("subject", "patient", "subject_id", "patient_id")
_TAKEN = ("image", "label", *_PEOPLE)


def fits(content: Any) -> bool:
    """Whether ``content`` has lists under names of parts, and is not nnU-Net's own form of today."""
    return isinstance(content, Mapping) and any(split_of(key) and isinstance(of, list) for key, of in content.items())


def read(content: Mapping[str, Any], file: Path) -> Listed:
    """The entries of all parts. Raises UserError for an entry without an image and for labels that cannot be used."""
    parts = {key: of for key, of in content.items() if split_of(key) and isinstance(of, list)}
    entries = [entry for part, given in parts.items() for entry in entries_of(given, file, part, split_of(part))]
    classes = classes_of(content["labels"], file) if content.get("labels") else ()
    return Listed(FORM, entries, classes)


def entries_of(given: Sequence[Any], file: Path, part: str, split: str | None) -> Iterator[Entry]:
    """The entries of one part: mappings with ``image``, or plain paths.

    Raises UserError for an entry without an image, or with channels or a label that cannot be used.
    """
    for number, said in enumerate(given):
        fields = said if isinstance(said, Mapping) else {"image": said}
        if "image" not in fields:
            raise UserError(
                f"Entry {number} of {part!r} in {file.name} has no 'image': it says {', '.join(map(str, fields)) or 'nothing'}. Give each entry"
                " the path of its volume under 'image'."
            )
        label, own = fields.get("label"), fields.get("split")
        several = fields["image"] if isinstance(fields["image"], list) else [fields["image"]]
        if len(several) > 1 and label is not None:
            raise UserError(
                f"Entry {number} of {part!r} in {file.name} has {len(several)} channels. Volumes of several channels can be learnt from"
                " without labels, each by itself; a labelled volume is one file: name the channel that is meant."
            )
        whose = next((str(fields[name]) for name in _PEOPLE if fields.get(name) is not None), None)
        meta = {
            str(key): value
            for key, value in fields.items()
            if key not in (*_TAKEN, "split") and isinstance(value, (str, int, float))
        }
        for image in several:
            path = path_of(image, file, part, number)
            if isinstance(label, str) and "." in label.rpartition("/")[2]:
                yield Entry(
                    path,
                    mask=path_of(label, file, part, number),
                    split=split or split_of(str(own)),
                    subject=whose,
                    meta=meta,
                )
            elif label is None or isinstance(label, (str, int, float)):
                yield Entry(path, label=label, split=split or split_of(str(own)), subject=whose, meta=meta)
            else:
                raise UserError(
                    f"Entry {number} of {part!r} in {file.name} has the label {label!r}. A label is the path of a label volume, a number or a word."
                )
