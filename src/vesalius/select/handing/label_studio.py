"""``label-studio``: tasks that Label Studio imports, with what is known or predicted as a first draft, and a labelling interface for them.

https://labelstud.io/guide/tasks (tasks and pre-annotations as JSON), https://labelstud.io/guide/storage (files of this machine).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from vesalius.files import atomic_folder
from vesalius.select.annotated import Draft, Drafts, drafts
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.shown import shown

NEEDS: tuple[str, ...] = ("table",)


def write(selected: Selected, out: Path) -> Handed:
    """``tasks.json``, ``label_config.xml``, and pictures of images that no browser shows (DICOM, arrays, TIFF)."""
    picks = selected.picks
    order = {int(row): place for place, row in enumerate(picks.rows)}
    with atomic_folder(out) as folder:
        images = shown(selected, picks.rows, folder)
        known = drafts(selected, images.rows)
        tasks = []
        for row, file, size, said in zip(images.rows, images.files, images.sizes, known.of, strict=True):
            place = order[int(row)]
            about = {"name": str(selected.candidates.names[row]), "order": place + 1, "gain": float(picks.gain[place])}
            task: dict[str, Any] = {"data": {"image": f"/data/local-files/?d={quote(file)}"}, "meta": about}
            if said:
                task["predictions"] = [_prediction(said, known, size)]
            tasks.append(task)
        (folder / "tasks.json").write_text(json.dumps(tasks, indent=1, ensure_ascii=False), encoding="utf-8")
        (folder / "label_config.xml").write_text(_interface(known), encoding="utf-8")
    root = images.base(out)
    variables = f"LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={shlex.quote(str(root))}"
    note = (
        f"In Label Studio: make a project with the labelling interface of {out / 'label_config.xml'}, add {root} as a local storage in its settings without "
        f"syncing it, and import {out / 'tasks.json'}."
    )
    return Handed((out / "tasks.json", out / "label_config.xml"), f"{variables} label-studio start", (*images.notes, note))


def _prediction(said: list[Draft], known: Drafts, size: tuple[int, int]) -> Mapping[str, Any]:
    scores = [draft.score for draft in said if draft.score is not None]
    found: dict[str, Any] = {"model_version": "vesalius", "result": list(_results(said, known, size))}
    if scores:
        found["score"] = min(max(sum(scores) / len(scores), 0.0), 1.0)
    return found


def _results(said: list[Draft], known: Drafts, size: tuple[int, int]) -> Iterator[Mapping[str, Any]]:
    width, height = size
    for number, draft in enumerate(said):
        region: dict[str, Any] = {"id": f"r{number}", "from_name": draft.source, "to_name": "image"}
        if draft.source not in known.boxes:
            yield {**region, "type": "choices", "value": {"choices": [draft.label]}}
        elif draft.box is not None:
            x, y, w, h = draft.box
            value = {"x": 100 * x / width, "y": 100 * y / height, "width": 100 * w / width, "height": 100 * h / height, "rotation": 0}
            score = {} if draft.score is None else {"score": draft.score}
            shape = {"original_width": width, "original_height": height, "image_rotation": 0}
            yield {**region, **shape, **score, "type": "rectanglelabels", "value": {**value, "rectanglelabels": [draft.label]}}


def _interface(known: Drafts) -> str:
    """One control for each label and task; a field for free text where no class is known."""
    view = ET.Element("View")
    ET.SubElement(view, "Image", name="image", value="$image")
    for source, classes in known.classes.items():
        if source in known.boxes:
            control = ET.SubElement(view, "RectangleLabels", name=source, toName="image")
            kind = "Label"
        else:
            control = ET.SubElement(view, "Choices", name=source, toName="image", choice="single")
            kind = "Choice"
        for name in classes:
            ET.SubElement(control, kind, value=name)
    if not known.classes:
        ET.SubElement(view, "TextArea", name="label", toName="image")
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"
