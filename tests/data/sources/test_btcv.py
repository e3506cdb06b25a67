from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trees import btcv
from vesalius.data.references import resolve
from vesalius.data.sources import btcv as source
from vesalius.data.table import SampleTable
from vesalius.errors import UserError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return btcv.write(tmp_path_factory.mktemp("btcv"), unlabelled=btcv.UNLABELLED, empty=True)


def numbers(table: SampleTable, split: str) -> tuple[int, ...]:
    return tuple(int(table.frame["uri"].iloc[row][-11:-7]) for row in table.rows(split))


def test_as_downloaded_moved_above_and_below_are_one_table(root: Path, tmp_path: Path) -> None:
    table = resolve(f"btcv@{root}")
    flat = btcv.write(tmp_path / "flat", layout="flat", empty=True)
    moved = tmp_path / "moved"  # mv RawData/Training/img RawData/imagesTr
    btcv.write(moved / "RawData", layout="flat", empty=True)
    for other in (root / "RawData", root / "RawData" / "Training", flat, moved):
        assert resolve(f"btcv@{other}").fingerprint() == table.fingerprint()
    assert all((root / uri).is_file() for column in ("uri", "mask") for uri in table.frame[column])
    assert [uri[-11:] for uri in table.frame["uri"]] == [uri[-11:] for uri in table.frame["mask"]]
    assert table.dims == 3


@pytest.mark.parametrize("size", [24, 12, 6])
def test_the_tutorials_training_volumes_and_its_held_out_six_in_two(root: Path, size: int) -> None:
    table = resolve(f"btcv@{root}:{size}")
    assert numbers(table, "train") == btcv.TRAINING[size]
    assert numbers(table, "val") == (35, 37, 39)
    assert numbers(table, "test") == (36, 38, 40)
    assert table.task is not None
    assert table.task.kind == "segmentation"
    assert len(table.task.classes) == 14
    assert tuple(sorted(numbers(table, "val") + numbers(table, "test"))) == btcv.VALIDATION


def test_the_lists_agree(root: Path) -> None:
    for size, path in btcv.LISTS.items():
        if not path.is_file():
            pytest.skip("the tutorial's data lists are not at hand")
        listed = json.loads(path.read_text())
        assert [entry["image"] for entry in listed["training"]] == [
            f"imagesTr/img{n:04}.nii.gz" for n in btcv.TRAINING[size]
        ]
        assert tuple(numbers(resolve(f"btcv@{root}:{size}"), "train")) == btcv.TRAINING[size]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    table = resolve(f"btcv@{btcv.write(tmp_path, (1, 2, 35), empty=True)}:6")
    assert len(table) == 3
    assert table.missing[0] == "img0003.nii.gz with label0003.nii.gz"
    assert "9 of 12 labelled volumes are not there" in table.warnings[0]
    with pytest.raises(UserError, match="task 12 of BTCV learns from"):
        resolve(f"btcv@{btcv.write(tmp_path / 'late', (30, 35), empty=True)}:12")
    with pytest.raises(UserError, match="neither RawData/Training/img"):
        resolve(f"btcv@{tmp_path / 'late' / 'RawData' / 'Training' / 'img'}")
    with pytest.raises(UserError, match="24, 12, 6"):
        resolve(f"btcv@{tmp_path}:13")


def test_a_label_volume_of_its_own_for_every_image(root: Path, tmp_path: Path) -> None:
    part = btcv.write(tmp_path, (1, 2, 35, 36), empty=True)
    (part / "RawData/Training/label/label0002.nii.gz").unlink()
    table = resolve(f"btcv@{part}:6")
    assert numbers(table, "train") == (1,)
    assert "img0002.nii.gz with label0002.nii.gz" in table.missing


def test_the_tutorials_numbers() -> None:
    plan = source.plan()
    assert (plan.modality, plan.orientation, plan.spacing) == ("ct", "RAS", (1.5, 1.5, 2.0))
    assert (plan.intensity.low, plan.intensity.high, plan.patch) == (-175, 250, (96, 96, 96))
