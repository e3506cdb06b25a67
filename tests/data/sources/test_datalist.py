"""Lists of MONAI, the Decathlon, nnU-Net and nnssl, and plain ones, as the tables they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.lists.files import nnssl, nnunet, touch, write
from tests.trees import btcv, tcia
from vesalius.data.checking import check
from vesalius.data.references import parse, resolve
from vesalius.errors import UserError

PREPROCESSED = {"name": "a", "image_path": "$nnssl_preprocessed/a.b2nd"}


def test_the_tutorials_pretraining_list_is_used_as_given_and_its_overlap_said(tmp_path: Path) -> None:
    listed = tcia.listed()
    names = [entry["image"] for part in listed for entry in listed[part]]
    root = tcia.write(tmp_path, names, empty=True)  # as downloaded: not in data/, where the list says
    with pytest.raises(UserError, match=r"23 of 661 subjects .*33 of 171 samples of val .*--data.allow_leakage true"):
        resolve(str(tcia.LIST), root=root)
    table = resolve(str(tcia.LIST), root=root, allow_leakage=True)
    assert (len(table.rows("train")), len(table.rows("val"))) == (600, 171)
    assert "23 of 661 subjects" in table.warnings[0]
    assert check(str(tcia.LIST), root=root)["shared_subjects"] == {"train/val": 23}
    assert set(table.ids) == set(resolve(f"tcia-covid19-ct@{root}").ids)


def test_a_pretraining_list_without_overlap_needs_no_word(tmp_path: Path) -> None:
    root = tcia.write(tmp_path, layout="flat", empty=True)
    file = tcia.write_list(tmp_path / "lists" / "split.json", tcia.NAMES[:9], tcia.NAMES[9:][-1:])
    table = resolve(str(file), root=root)
    assert (table.source, table.dims, table.split_by) == ("tcia-covid19-ct", 3, "source")
    assert (len(table.rows("train")), len(table.rows("val"))) == (9, 1)


@pytest.mark.parametrize("size", [24, 6])
def test_a_btcv_list_is_the_sources_task(size: int, tmp_path: Path) -> None:
    root = btcv.write(tmp_path, unlabelled=(61, 62), empty=True)
    file = btcv.write_list(tmp_path / "lists" / "dataset_0.json", size, test=(61, 62))
    table, own = resolve(str(file), root=root), resolve(f"btcv@{root}:{size}")
    assert table.fingerprint() == own.fingerprint()
    assert table.task == own.task
    assert "2 of" in table.warnings[0]
    assert "3 choose the weights and 3 are scored once" in table.warnings[1]
    assert len(resolve(str(file), root=root, labels=False)) == size + 6 + 2


def test_a_list_of_ones_own_in_the_decathlons_form(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{part}/{n}.nii.gz" for part in ("imagesTr", "labelsTr") for n in range(4)), "imagesTs/9.nii.gz")
    pairs = [
        {"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz", "fold": n % 2, "subject": f"p{n}"}
        for n in range(4)
    ]
    said = {
        "labels": {"0": "background", "1": "liver"},
        "training": pairs[:3],
        "validation": pairs[3:],
        "test": ["./imagesTs/9.nii.gz"],
    }
    table = resolve(str(write(tmp_path / "d.json", said)))
    assert table.source == "datalist"
    assert table.private
    assert table.task is not None
    assert (table.task.kind, table.task.classes) == ("segmentation", ("background", "liver"))
    assert list(table.frame["mask"]) == [f"labelsTr/{n}.nii.gz" for n in range(4)]
    assert list(table.frame["meta.fold"]) == [0, 1, 0, 1]
    assert table.frame["subject"].nunique() == 4
    assert not any(f"p{n}" in str(table.frame["subject"].iloc[n]) for n in range(4))
    assert "1 of 5 volumes of the list have no label" in table.warnings[0]
    (tmp_path / "imagesTr/1.nii.gz").unlink()
    (tmp_path / "labelsTr/2.nii.gz").unlink()
    left = resolve(str(tmp_path / "d.json"))
    assert left.missing == ("imagesTr/1.nii.gz", "labelsTr/2.nii.gz")
    assert len(left) == 2


def test_labels_as_numbers_and_words_are_classes(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{n}.nii.gz" for n in range(6)))
    said = {"training": [{"image": f"{n}.nii.gz", "label": n % 3} for n in range(6)]}
    table = resolve(str(write(tmp_path / "d.json", said)))
    assert table.task is not None
    assert table.task.kind == "classes"
    assert list(table.labels("class")) == [0, 1, 2, 0, 1, 2]


def test_nnunet_by_its_folder_and_by_its_file(tmp_path: Path) -> None:
    file = nnunet(tmp_path / "Dataset003_Liver", test=(7,))
    table = resolve(str(tmp_path / "Dataset003_Liver"))
    assert parse(str(tmp_path / "Dataset003_Liver")).source == "datalist"
    assert table.fingerprint() == resolve(str(file)).fingerprint()
    assert list(table.frame["uri"])[:2] == ["imagesTr/liver_000_0000.nii.gz", "imagesTr/liver_001_0000.nii.gz"]
    assert list(table.frame["mask"])[:1] == ["labelsTr/liver_000.nii.gz"]
    assert table.rows("test").tolist() == [4]
    assert table.task is not None
    assert table.task.classes == ("background", "liver", "tumour")


def test_nnunet_of_other_endings_several_channels_and_version_1(tmp_path: Path) -> None:
    assert len(resolve(str(nnunet(tmp_path / "mha", ending=".mha")))) == 4
    several = nnunet(tmp_path / "two", channels=2)
    with pytest.raises(UserError, match="has 2 channels"):
        resolve(str(several))
    (tmp_path / "three" / "dataset.json").parent.mkdir()
    several = nnunet(tmp_path / "three", channels=2)
    for label in (tmp_path / "three" / "labelsTr").iterdir():
        label.unlink()
    table = resolve(str(several))
    assert len(table) == 8
    assert table.frame["subject"].nunique() == 4  # the channels of a case are never on two sides
    first = tmp_path / "one"
    touch(first, *(f"imagesTr/la_{n}_0000.nii.gz" for n in range(3)), *(f"labelsTr/la_{n}.nii.gz" for n in range(3)))
    pairs = [{"image": f"./imagesTr/la_{n}.nii.gz", "label": f"./labelsTr/la_{n}.nii.gz"} for n in range(3)]
    said = {"modality": {"0": "MRI"}, "labels": {"0": "background", "1": "left atrium"}, "training": pairs, "test": []}
    write(first / "dataset.json", said)
    assert list(resolve(str(first)).frame["uri"]) == [f"imagesTr/la_{n}_0000.nii.gz" for n in range(3)]


@pytest.mark.parametrize("place", ["variable", "root", "above", "relative"])
def test_nnssl_wherever_its_raw_folder_is_said(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("nnssl_raw", raising=False)
    if place == "variable":
        monkeypatch.setenv("nnssl_raw", str(tmp_path))
    file = nnssl(tmp_path, prefix="" if place == "relative" else "$nnssl_raw/Dataset007_OURS/")
    table = resolve(str(file), root=tmp_path if place == "root" else None)
    assert len(table) == 12
    assert all(table.path(uri).is_file() for uri in table.frame["uri"])
    assert (table.frame["subject"].nunique(), table.frame["study"].nunique()) == (3, 6)
    assert set(table.frame["meta.modality"]) == {"T1w", "T2w"}
    assert table.frame["meta.anonymization_mask"].str.endswith("_anon.nii.gz").all()
    assert table.task is None
    assert len(resolve(str(file), root=tmp_path if place == "root" else None, filter={"modality": "T1w"})) == 6


def test_plain_lists(tmp_path: Path) -> None:
    touch(tmp_path, *(f"p{n // 2}/scan{n}.nii.gz" for n in range(6)))
    paths = [f"p{n // 2}/scan{n}.nii.gz" for n in range(6)]
    table = resolve(str(write(tmp_path / "a.json", paths)), subject=r"(p\d)/")
    assert table.frame["subject"].nunique() == 3
    said = [{"image": path, "split": "train" if n < 4 else "validation", "site": "a"} for n, path in enumerate(paths)]
    table = resolve(str(write(tmp_path / "lists" / "b.json", said)), root=tmp_path)
    assert len(table.rows("val")) == 2
    whole = resolve(str(write(tmp_path / "c.json", [str(tmp_path / path) for path in paths])))
    assert list(whole.frame["uri"]) == paths


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"training": []}, "lists no volume"),
        ({"epochs": 3}, "none of the lists that are known"),
        ([], "none of the lists that are known"),
        ({"training": [{"path": "a.nii.gz"}]}, "Entry 0 of 'training' in d.json has no 'image': it says path"),
        ({"training": [{"image": "a.nii.gz"}, {"image": "a.nii.gz"}]}, "names a.nii.gz in train twice"),
        ({"training": [{"image": "a.nii.gz"}], "validation": [{"image": "a.nii.gz"}]}, "in train and in val"),
        ({"training": [{"image": "b.nii.gz"}]}, "None of the 1 volumes of d.json is below .*: b.nii.gz are not there. Give the folder"),
        ({"training": [{"image": ["a.nii.gz", "c.nii.gz"], "label": "l.nii.gz"}]}, "has 2 channels"),
        ({"training": [{"image": "a.nii.gz", "label": "l.nii.gz"}]}, "does not say what the values of its label volumes mean"),
        ({"training": [{"image": "a.nii.gz", "label": "l.nii.gz"}], "labels": {"0": "b", "2": "x"}}, "names the values 0, 2"),
        ({"training": [{"image": "a.nii.gz", "label": "l.nii.gz"}], "labels": {"b": 0, "w": [1, 2]}}, "is a region of the values"),
        ({"training": [{"image": "a.nii.gz", "label": "l.nii.gz"}], "labels": {"b": 0, "x": 1, "ignore": 2}}, "a label to be ignored"),
        ({"collection_name": "x", "datasets": {"d": {"subjects": {"s": {"sessions": {"1": {"images": [PREPROCESSED]}}}}}}}, "has preprocessed"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said(content: Any, said: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "c.nii.gz", "l.nii.gz")
    with pytest.raises(UserError, match=said):
        resolve(str(write(tmp_path / "d.json", content)), least=1)


def test_a_file_that_is_no_json_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        resolve(str(tmp_path / "none.json"))
    (tmp_path / "d.json").write_text("{'training': ")
    with pytest.raises(UserError, match="cannot be read as JSON"):
        resolve(str(tmp_path / "d.json"))


def test_a_folder_of_images_with_another_dataset_json_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "dataset.json", {"name": "photographs"})
    touch(tmp_path, "a.png", "b.png")
    assert parse(str(tmp_path)).source == "folder"
