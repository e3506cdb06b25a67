"""``cvat``: the images of a task in CVAT, its labels, and what is known or predicted as "CVAT for images 1.1".

https://docs.cvat.ai/docs/manual/advanced/xml_format/, https://docs.cvat.ai/docs/api_sdk/cli/
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

from vesalius.files import atomic_folder
from vesalius.select.annotated import Draft, Drafts, drafts
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.shown import Shown, shown

NEEDS: tuple[str, ...] = ("table",)

_IMAGES = "images"


def write(selected: Selected, out: Path) -> Handed:
    """``images``: a copy of each under a name of its own, since CVAT forgets the folders of what is uploaded, or a picture (DICOM, arrays);
    ``labels.json`` and ``annotations.xml``.
    """
    with atomic_folder(out) as folder:
        images = shown(selected, selected.picks.rows, folder, flat=True)
        known = drafts(selected, images.rows)
        (folder / "labels.json").write_text(json.dumps([{"name": name, "attributes": []} for name in known.names], indent=1), encoding="utf-8")
        (folder / "annotations.xml").write_bytes(_annotations(selected.name, images, known))
    pictures, labels, drawn = (shlex.quote(str(out / name)) for name in (_IMAGES, "labels.json", "annotations.xml"))
    name = shlex.quote(selected.name or "selection")
    command = f"cvat-cli task create {name} --labels @{labels} --annotation_path {drawn} --annotation_format 'CVAT 1.1' local {pictures}/*"
    return Handed((out / "labels.json", out / "annotations.xml", *(out / file for file in images.files)), command, images.notes)


def _annotations(name: str, images: Shown, known: Drafts) -> bytes:
    """Frames in the order in which CVAT sorts a task's files."""
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    task = ET.SubElement(ET.SubElement(root, "meta"), "task")
    for field, text in (("name", name), ("size", str(len(images.files))), ("mode", "annotation")):
        ET.SubElement(task, field).text = text
    labels = ET.SubElement(task, "labels")
    for one in known.names:
        label = ET.SubElement(labels, "label")
        ET.SubElement(label, "name").text = one
        ET.SubElement(label, "attributes")
    for frame, number in enumerate(sorted(range(len(images.files)), key=lambda n: images.files[n])):
        width, height = images.sizes[number]
        image = ET.SubElement(root, "image", id=str(frame), name=images.files[number].removeprefix(f"{_IMAGES}/"), width=str(width), height=str(height))
        for draft in known.of[number]:
            _draw(image, draft)
    ET.indent(root)
    found: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return found


def _draw(image: ET.Element, draft: Draft) -> None:
    source = "auto" if draft.predicted else "manual"
    if draft.box is None:
        ET.SubElement(image, "tag", label=draft.label, source=source)
        return
    x, y, width, height = draft.box
    corners = {"xtl": f"{x:.2f}", "ytl": f"{y:.2f}", "xbr": f"{x + width:.2f}", "ybr": f"{y + height:.2f}"}
    ET.SubElement(image, "box", {"label": draft.label, "source": source, "occluded": "0", **corners, "z_order": "0"})
