from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import require
from vesalius.data.references import resolve
from vesalius.errors import UserError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    table = resolve(make(tmp_path, "b.png", "a.jpg", "notes.txt", ".DS_Store"))
    assert table.frame["uri"].tolist() == ["a.jpg", "b.png"]
    assert table.task is None
    assert table.warnings == ["In the folder, 1 file of another kind and 1 hidden one were passed over."]
    assert table.private
    with pytest.raises(UserError, match="have no labels, but labels are needed"):
        table.require_task()


def test_class_folders(tmp_path: Path) -> None:
    table = resolve(make(tmp_path, *(f"{c}/deep/{i}.png" for c in ("cat", "ant") for i in range(2))))
    assert table.class_names == {"class": ["ant", "cat"]}
    assert table.labels("class").tolist() == [0, 0, 1, 1]
    assert table.require_task().kind == "binary"
    assert "split" not in table.frame
    assert resolve(tmp_path, labels=False).task is None
    assert resolve(tmp_path, labels=["class"]).task is not None


@pytest.mark.parametrize(("names", "warned"), [([f"patient{i:03d}" for i in range(12)], True), ([f"p{i}" for i in range(4)], False),
                                               ([f"kind {chr(97 + i)}" for i in range(12)], False)])  # fmt: skip
def test_numbered_folders_that_may_be_patients_are_warned_of(tmp_path: Path, names: list[str], warned: bool) -> None:
    root = make(tmp_path, *(f"{name}/{i}.png" for name in names for i in range(2)))
    found = resolve(root)
    assert found.task is not None
    assert any("If they are patients, say so with data.subject" in text for text in found.warnings) == warned
    assert not any(name in text for text in found.warnings for name in names), "a warning is written to files that travel"
    assert not any("patients" in text for text in resolve(root, subject="^([^/]+)/").warnings)


def test_split_folders_above_class_folders(tmp_path: Path) -> None:
    names = [f"{s}/{c}/{i}.png" for s in ("Train", "validation", "test") for c in "ab" for i in range(2)]
    table = resolve(make(tmp_path, *names))
    assert sorted(set(table.frame["split"])) == ["test", "train", "val"]
    assert table.class_names == {"class": ["a", "b"]}
    assert table.split_by == "source"
    assert table.frame["split"][table.frame["uri"] == "validation/b/1.png"].item() == "val"
    assert table.labels("class")[table.frame["uri"] == "validation/b/1.png"].item() == 1


def test_split_folders_without_classes(tmp_path: Path) -> None:
    table = resolve(make(tmp_path, "train/1.png", "train/2.png", "val/3.png"))
    assert (len(table.rows("train")), len(table.rows("val")), table.task) == (2, 1, None)


@pytest.mark.parametrize(
    "names",
    [
        ("a/1.png", "a/2.png", "b/1.png", "b/2.png", "loose.png"),  # one image in no folder
        ("a/1.png", "a/2.png"),  # one folder
        ("p1/1.png", "p2/1.png", "p3/1.png"),  # a folder per image: people, not classes
        ("train/1.png", "train/2.png"),
    ],
)
def test_what_are_no_class_folders(tmp_path: Path, names: tuple[str, ...]) -> None:
    table = resolve(make(tmp_path, *names))
    assert (table.task, "split" in table.frame) == (None, False)
    if "p1/1.png" not in names:
        with pytest.raises(UserError, match="carry no labels: labels are read from first-level sub-folders"):
            resolve(tmp_path, labels=True)
    else:
        assert resolve(tmp_path, labels=True).require_task().kind == "classes"


def test_folders_called_train_and_something_else_are_classes(tmp_path: Path) -> None:
    table = resolve(make(tmp_path, *(f"{c}/{i}.png" for c in ("train", "bus") for i in range(2))))
    assert table.class_names == {"class": ["bus", "train"]}


def test_subjects_by_a_rule(tmp_path: Path) -> None:
    table = resolve(make(tmp_path, "p01_a.png", "p01_b.png", "p02_a.png", "other.png"), subject=r"(p\d+)_")
    assert table.subjects is not None
    other, first, second, third = table.subjects
    assert (other, first) == (None, second)
    assert first != third
    assert "p01" not in first


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("p(\\d", "is not a regular expression"),
        ("p", "has 0 groups"),
        ("(a)(b)", "has 2 groups"),
        ("(q)", "matches none"),
    ],
)
def test_a_wrong_rule_is_explained(tmp_path: Path, rule: str, said: str) -> None:
    make(tmp_path, "p1.png", "p2.png")
    with pytest.raises(UserError, match=said):
        resolve(tmp_path, subject=rule)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        resolve(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no images"):
        resolve(tmp_path / "empty")
    with pytest.raises(UserError, match=r"holds no images \(1 file of another kind was passed over"):
        resolve(make(tmp_path / "texts", "a.txt"))
    with pytest.raises(UserError, match="holds 1 image, and at least 2 are needed"):
        resolve(make(tmp_path / "one", "a.png"))
    assert len(resolve(tmp_path / "one", least=1)) == 1
    with pytest.raises(UserError, match="at most the label 'class'"):
        resolve(make(tmp_path / "two", "a.png", "b.png"), labels=["age"])


def test_adding_a_file_changes_no_other_id(tmp_path: Path) -> None:
    before = resolve(make(tmp_path, "b/1.png", "c/2.png"), labels=False)
    after = resolve(make(tmp_path, "a/0.png", "b/0.png"), labels=False)
    assert set(before.ids) < set(after.ids)
    moved = tmp_path.rename(tmp_path.parent / "moved")
    assert resolve(moved, labels=False).ids.tolist() == after.ids.tolist()


def test_nothing_that_leaves_the_table_names_a_file(tmp_path: Path) -> None:
    table = resolve(
        make(tmp_path, *(f"Canary{i}/Canary_{j}.png" for i in range(2) for j in range(2)), "Canary.txt"),
        labels=False,
        subject="(Canary[0-9])",
    )
    said = [table.source, table.fingerprint(), *table.warnings, *table.subjects.tolist()]  # type: ignore[union-attr]
    assert not any("canary" in str(text).lower() for text in [*said, *table.ids])


def test_real_photographs() -> None:
    table = resolve(require("bccd"), subject=r"BloodImage_(\d+)")
    assert len(table) == 364
    assert len(np.unique(table.ids)) == 364
    assert table.subjects is not None
    assert len(set(table.subjects)) == 364


def test_predictions_and_metadata_of_the_folder_are_not_passed_over(tmp_path: Path) -> None:
    assert resolve(make(tmp_path, "a.png", "b.png", ".lightly/metadata/schema.json")).warnings == []


def test_the_folder_of_a_run_is_no_folder_of_images(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is the folder of a run, not of images"):
        resolve(make(tmp_path, "run.json", "config.yaml", "views.png"))
