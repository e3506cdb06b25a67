"""``lightly-studio``: all candidates with our embeddings in LightlyStudio, the picks tagged; nothing is sent, and no model of its own is fetched.

Studio takes embeddings from an embedder that is registered before images are added; the script that is written registers one that looks them up.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.files import atomic_folder
from vesalius.select import picked
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.shown import shown

NEEDS: tuple[str, ...] = ("table", "vectors")

_SCRIPT = '''"""Opens a selection in LightlyStudio, at http://127.0.0.1:8001: pip install lightly-studio, then python {name} [PORT]."""

import json
import os
import sys
from pathlib import Path

os.environ["LIGHTLY_STUDIO_ANALYTICS_ENABLED"] = "false"

import lightly_studio as ls
import numpy as np
from lightly_studio.database import db_manager
from lightly_studio.embed.public_api import register_default_embedder
from lightly_studio_serve.embedder import ImagePathEmbedder
from lightly_studio_serve.types import EmbeddingResult, EmbeddingSpaceSpec

HERE = Path(__file__).resolve().parent
ABOUT = json.loads((HERE / "samples.json").read_text(encoding="utf-8"))
ROOT = Path(ABOUT["root"]) if ABOUT["root"] else HERE
VECTORS = np.load(HERE / "vectors.npy", mmap_mode="r")
ROW = {{str(ROOT / sample["file"]): row for row, sample in enumerate(ABOUT["samples"])}}


class Known(ImagePathEmbedder):
    """The embeddings that the images were selected by."""

    def embedding_space_spec(self):
        return EmbeddingSpaceSpec(space_key=ABOUT["space"], dimension=VECTORS.shape[1])

    def embed_images(self, paths):
        known = [number for number, path in enumerate(paths) if path in ROW]
        vectors = np.asarray(VECTORS[[ROW[paths[number]] for number in known]], np.float32).reshape(len(known), -1)
        return EmbeddingResult(embeddings=vectors, kept_indices=known)


if __name__ == "__main__":
    db_manager.connect(db_file=str(HERE / "lightly_studio.db"), cleanup_existing=True)
    register_default_embedder(Known())
    dataset = ls.ImageDataset.create(ABOUT["name"])
    dataset.add_samples_from_coco(annotations_json=HERE / "images.json", images_path=ROOT, embed_annotations=False)
    known = [(sample, ABOUT["samples"][ROW[sample.file_path_abs]]) for sample in dataset]
    dataset.update_metadata([(sample.sample_id, said["about"]) for sample, said in known if said["about"]])
    for sample, said in known:
        for tag in said["tags"]:
            sample.add_tag(tag)
    print(f"{{len(ABOUT['samples'])}} images, analytics off")
    ls.start_gui(host=os.environ.get("LIGHTLY_STUDIO_HOST", "127.0.0.1"), port=int(sys.argv[1]) if len(sys.argv) > 1 else None, open_browser=False)
'''


def write(selected: Selected, out: Path) -> Handed:
    """``open_in_lightly_studio.py`` with ``images.json``, ``samples.json`` and ``vectors.npy``, and pictures of what no browser shows."""
    candidates, picks = selected.candidates, selected.picks
    order = {int(row): place for place, row in enumerate(picks.rows)}
    before = set(candidates.chosen.tolist())
    script = "open_in_lightly_studio.py"
    with atomic_folder(out) as folder:
        images = shown(selected, np.arange(len(candidates)), folder)
        words = {label: picked.said(selected, label, images.rows) for label in selected.labels}
        samples = []
        for number, (row, file) in enumerate(zip(images.rows.tolist(), images.files, strict=True)):
            about: dict[str, Any] = {label: known[number] for label, known in words.items() if known[number] is not None}
            if row in order:
                about |= {"order": order[row] + 1, "gain": float(picks.gain[order[row]])}
            samples.append({"file": file, "tags": ["selected"] if row in order else ["preselected"] if row in before else [], "about": about})
        listed = [{"id": n, "file_name": file, "width": w, "height": h} for n, (file, (w, h)) in enumerate(zip(images.files, images.sizes, strict=True))]
        space = f"vesalius/{selected.encoder or 'embeddings'}"
        head = {"name": selected.name or "selection", "space": space, "root": "" if images.root is None else str(images.root), "samples": samples}
        (folder / "samples.json").write_text(json.dumps(head, ensure_ascii=False), encoding="utf-8")
        (folder / "images.json").write_text(json.dumps({"images": listed, "annotations": [], "categories": []}, ensure_ascii=False), encoding="utf-8")
        (folder / script).write_text(_SCRIPT.format(name=script), encoding="utf-8")
        np.save(folder / "vectors.npy", np.asarray(picked.vectors(selected, images.rows)))
    files = tuple(out / name for name in (script, "images.json", "samples.json", "vectors.npy"))
    return Handed(files, f"python {shlex.quote(str(out / script))}", images.notes)
