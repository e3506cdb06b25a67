"""What of the test part was seen before, and what that alone is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from vesalius.data.dataset import open_data
from vesalius.data.settings import StoreSettings
from vesalius.data.sources import chexpert
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.evaluate.judged import leaks, lookup
from vesalius.measures import metrics
from vesalius.terminal import Terminal


def table(subject: list[Any] | None, split: list[str], study: list[Any] | None = None) -> SampleTable:
    columns: dict[str, Any] = {"split": split, "label.ill": [0.0, 1.0] * (len(split) // 2)}
    columns |= {} if subject is None else {"subject": subject}
    columns |= {} if study is None else {"study": study}
    task = TaskSpec("ill", "binary", ("ill",), ("no", "yes"))
    return SampleTable.of("folder", ".", [f"{row}.png" for row in range(len(split))], columns, task=task)


def test_people_and_studies_on_both_sides_are_counted():
    found = leaks.of_table(
        table(
            ["a", "a", "b", "c", "a", "b", "d", None],
            ["train", "train", "train", "val", "test", "test", "test", "test"],
            ["a1", "a2", "b1", "c1", "a1", "b2", "d1", None],
        )
    )
    assert found["test"] == {
        "images": 4,
        "subjects": 3,
        "shared_subjects": 2,
        "images_of_shared_subjects": 2,
        "share_of_images": 0.5,
        "images_of_shared_studies": 1,
    }
    assert found["val"]["images_of_shared_subjects"] == 0
    assert leaks.found_any(found)
    (said,) = leaks.sentences(found, "x")
    assert "50.0% of the test images of x (2 of 4)" in said
    assert "1 of the same study" in said


def test_without_a_leak_there_is_none_and_without_subjects_nobody_knows():
    clean = leaks.of_table(table(["a", "b", "c", "d"], ["train", "train", "val", "test"]))
    assert clean["test"]["images_of_shared_subjects"] == clean["val"]["images_of_shared_subjects"] == 0
    assert not leaks.found_any(clean)
    assert leaks.sentences(clean, "x") == ["No subject and no image of the test part of x is in training or validation."]
    unknown = leaks.of_table(table(None, ["train", "train", "val", "test"]))
    assert "images_of_shared_subjects" not in unknown["test"]
    assert "cannot be told" in leaks.sentences(unknown, "x")[0]


def test_an_encoder_that_may_have_seen_the_images_is_named():
    encoders = [
        {"name": "mc", "trained_on": "MIMIC-CXR and CheXpert without labels: MoCo"},
        {"name": "own", "trained_on": "chestmnist, simclr, 10 epochs, no labels"},
        {"name": "in", "trained_on": "ImageNet-1k without labels"},
        {"name": "mine", "trained_on": "folder 3af901, simclr, 10 epochs, no labels"},
        {"name": "twin", "trained_on": "chexpert", "baseline": True},
    ]

    def told(source: str, name: str, public: str = "", *, private: bool = False) -> list[str]:
        listed = SampleTable.of(source, ".", ["a.png"], private=private)
        return [text.split()[0] for text in leaks.pretrained_on(listed, name, public or name, encoders)]

    assert told("chexpert", "chexpert") == ["mc"]
    assert told("nih-chestxray14", "chestx") == ["own"]
    assert told("medmnist", "chestmnist") == ["own"]
    assert told("cifar10", "cifar10") == []
    assert told("folder", "images", "folder 3af901", private=True) == ["mine"]
    assert told("folder", "images", "folder 771204", private=True) == []


def test_the_lookup_takes_the_study_then_the_person_then_everybody():
    labels = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, torch.nan])
    known = np.array(["s1", "s1", "s2", "s3", "s3", None, None, "s4"], object), np.array(["a", "a", "a", "b", "b", None, "c", "d"], object)
    asked = np.array(["s1", "s9", "s3", "s8", None, "s4"], object), np.array(["a", "a", "b", "z", None, "d"], object)
    found = lookup.looked_up(labels[:7], "binary", 2, tuple(k[:7] for k in known), asked, 6)
    assert found[:, 1].tolist() == pytest.approx([0.5, 2 / 3, 0.0, 3 / 7, 3 / 7, 3 / 7])
    many = torch.stack([labels, 1 - labels], 1)
    assert lookup.looked_up(many, "multilabel", 2, known, asked, 6)[:, 0].tolist() == pytest.approx([0.5, 2 / 3, 0.0, 3 / 7, 3 / 7, 3 / 7])


def test_people_on_both_sides_are_found_by_the_lookup_and_whole_subjects_are_not():
    rng = np.random.default_rng(0)
    subject = rng.integers(0, 150, 600)
    ill = (rng.random(150) < 0.4).astype(float)[subject]
    names = np.array([f"p{one}" for one in subject], object)
    by_image = rng.permutation(600) < 420
    by_subject = subject < 105

    def score(train: np.ndarray) -> float:
        labels = torch.tensor(ill)
        found = lookup.looked_up(labels[train], "binary", 2, (None, names[train]), (None, names[~train]), int((~train).sum()))
        return float(metrics.measure("roc_auc", "binary", labels[~train], found)[0])

    assert score(by_image) > 0.9
    assert score(by_subject) == 0.5


def test_the_originals_division_of_chexpert_shares_its_patients(tmp_path):
    """The same rule on a table of CheXpert's form: 60 patients of four images each, divided by image."""
    rows = [f"CheXpert-v1.0-small/train/patient{p:05d}/study{s}/view1_frontal.jpg" for p in range(60) for s in range(4)]
    frame = pd.DataFrame({"Path": rows, **dict.fromkeys(chexpert.FINDINGS, 1.0)})
    frame.to_csv(tmp_path / "train.csv", index=False)
    read = chexpert.read_labels(tmp_path / "train.csv")
    columns = {name: read[name] for name in read.columns if name != "name"}
    whole = SampleTable.of("chexpert", tmp_path, read["name"].tolist(), columns, names=read["name"].tolist(), task=chexpert.TASKS["pleural-effusion"])
    order = pd.Series(range(240)).sample(frac=1, random_state=42).to_numpy()
    split = np.full(240, "test", object)
    split[order[:144]] = "train"
    found = leaks.of_table(whole.with_columns(split=split))
    in_train = set(read["subject"][order[:144]])
    expected = sum(subject in in_train for subject in read["subject"][order[144:]])
    assert found["test"]["images_of_shared_subjects"] == expected > 80


def test_images_that_are_there_twice_or_look_alike_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    fields = [np.asarray(Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)) for _ in range(9)]
    fields.append(fields[0])  # the same file in test as in training
    fields.append((fields[1] * 0.8 + 20).astype(np.uint8))  # another brightness
    for number, pixels in enumerate(fields):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    columns = {"split": ["train"] * 6 + ["val"] + ["test"] * 4, "label.ill": [0.0, 1.0] * 5 + [0.0]}
    task = TaskSpec("ill", "binary", ("ill",), ("no", "yes"))
    listed = SampleTable.of("folder", tmp_path, [f"{number}.png" for number in range(11)], columns, task=task)
    data = open_data("x", listed, StoreSettings(size=96), Terminal(quiet=True))
    found = leaks.of_data(data)
    assert (found["same_pixels"], found["twice"], found["look_alike"]) == (1, 1, 2)
    assert "1 test images of x are in training or validation, pixel for pixel." in leaks.sentences(found, "x")
    assert leaks.found_any(found)
    assert "look_alike" not in leaks.of_data(data, look_alike=False)
    other = SampleTable.of("folder", tmp_path, ["0.png", "7.png", "9.png"], {"split": ["train"] * 3, "label.ill": [0.0, 1.0, 0.0]}, task=task)
    both = {"x": data, "y": open_data("y", other, StoreSettings(size=96), Terminal(quiet=True))}
    assert leaks.across(both, "x") == {"y": 2}  # of four in test; the third is in x's own training alone
    assert leaks.across(both, "y") == {}
    assert "2 test images of x are of people, or are images, that y has" in " ".join(leaks.sentences({**found, "also_in": {"y": 2}}, "x"))
