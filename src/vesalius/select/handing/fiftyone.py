"""``fiftyone``: a data set that FiftyOne imports: all candidates with their embeddings, the picks tagged ``selected``.

https://docs.voxel51.com/user_guide/import_datasets.html; of its own formats the one whose samples are plain JSON, which every version reads.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.files import atomic_folder
from vesalius.select import picked
from vesalius.select.annotated import Draft, Drafts, drafts
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.shown import shown

NEEDS: tuple[str, ...] = ("table",)

_NUMBERS = 50_000_000
"""Numbers of all embeddings together beyond which they are left out: as text they would be half a gigabyte."""


def write(selected: Selected, out: Path) -> Handed:
    """``metadata.json`` and ``samples.json``, and pictures of images that no browser shows (DICOM, arrays, TIFF)."""
    candidates, picks = selected.candidates, selected.picks
    order = {int(row): place for place, row in enumerate(picks.rows)}
    before = set(candidates.chosen.tolist())
    with atomic_folder(out) as folder:
        images = shown(selected, np.arange(len(candidates)), folder)
        known = drafts(selected, images.rows)
        small = candidates.vectors is not None and candidates.vectors.size <= _NUMBERS
        vectors = picked.vectors(selected, images.rows) if small else None
        samples = []
        for number, (row, file, size) in enumerate(zip(images.rows.tolist(), images.files, images.sizes, strict=True)):
            sample: dict[str, Any] = {"filepath": file, "tags": ["selected"] if row in order else ["preselected"] if row in before else []}
            sample["metadata"] = {"_cls": "ImageMetadata", "width": size[0], "height": size[1]}
            if row in order:
                place = order[row]
                distance = float(picks.distance[place])
                sample |= {"order": place + 1, "gain": float(picks.gain[place]), "distance": distance if np.isfinite(distance) else None}
            if vectors is not None:
                sample["embedding"] = [round(float(value), 7) for value in vectors[number]]
            if selected.map is not None:
                sample["map"] = [round(float(value), 5) for value in selected.map[row]]
            samples.append({**sample, **_labels(known.of[number], known, size)})
        about = {"name": selected.name, "media_type": "image", "info": {"encoder": selected.encoder, "selected": len(picks)}}
        (folder / "metadata.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
        (folder / "samples.json").write_text(json.dumps({"samples": samples}, ensure_ascii=False), encoding="utf-8")
    name = shlex.quote(selected.name or "selection")
    there, root = shlex.quote(str(out)), shlex.quote(str(images.base(out)))
    command = (
        f"fiftyone datasets create --name {name} --dataset-dir {there} --type fiftyone.types.LegacyFiftyOneDataset --kwargs rel_dir={root} && "
        f"fiftyone app launch {name}"
    )
    notes = images.notes if vectors is not None or candidates.vectors is None else (*images.notes, "The embeddings are too many for a text file: left out.")
    return Handed((out / "metadata.json", out / "samples.json"), command, notes)


def _labels(said: list[Draft], known: Drafts, size: tuple[int, int]) -> Mapping[str, Any]:
    """A field for each label and task: a Classification, or Detections with boxes relative to the image."""
    found: dict[str, Any] = {}
    for draft in said:
        score = {} if draft.score is None else {"confidence": draft.score}
        field = "".join(c if c.isalnum() else "_" for c in draft.source).strip("_") or "label"
        if draft.source not in known.boxes:
            found[field] = {"_cls": "Classification", "tags": [], "label": draft.label, **score}
        elif draft.box is not None:
            x, y, width, height = draft.box
            box = [x / size[0], y / size[1], width / size[0], height / size[1]]
            several = found.setdefault(field, {"_cls": "Detections", "detections": []})
            several["detections"].append({"_cls": "Detection", "attributes": {}, "tags": [], "label": draft.label, "bounding_box": box, **score})
    return found
