"""What is seen of a data set's volumes, and that it is the same wherever their files' axes point."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.trees import phantoms, tcia
from tests.volumes import head, write
from vesalius.data.fingerprint import Fingerprint, Looked, fingerprint, look
from vesalius.data.readers.volume import Volume, read_volume
from vesalius.data.references import resolve
from vesalius.errors import UserError


def ct(seed: int = 0, **changes: object) -> Looked:
    values, _, affine = phantoms.abdomen(seed=seed)
    return replace(look(Volume(values, affine)), **changes)  # type: ignore[arg-type]


def test_a_phantom_as_it_was_made_whatever_its_files_axes(tmp_path: Path) -> None:
    values, _, affine = phantoms.abdomen((40, 36, 8))
    for axes in ("RAS", "LPS", "SRA", "PIR"):
        found = look(read_volume(phantoms.write_as(tmp_path / f"{axes}.nii.gz", values, affine, axes)))
        assert found.axes == axes
        assert found.shape == (40, 36, 8)
        assert found.spacing == pytest.approx((0.8, 0.8, 5.0))
        assert (found.low, found.high, found.whole) == (values.min(), values.max(), True)
        assert found.like_ct


@pytest.mark.parametrize(
    ("made", "like"),
    [
        (lambda v: v, True),
        (lambda v: v.astype(np.float32), True),
        (lambda v: np.where(v < -900, -2048, v), True),
        (lambda v: v + 0.25, False),
        (lambda v: v + 1024, False),
        (lambda v: np.clip(v, -160, 240), False),
    ],
)
def test_hu_are_known_by_their_values(made: object, like: bool) -> None:
    values, _, affine = phantoms.abdomen((40, 36, 8))
    assert look(Volume(made(values), affine)).like_ct is like  # type: ignore[operator]


def test_an_image_of_mr_is_not_ct_and_says_what_is_outside() -> None:
    image, labels, affine = head()
    assert not look(Volume(image, affine)).like_ct
    stripped = np.where(labels > 0, np.abs(image) + 1, 0).astype(np.int16)
    assert Fingerprint((look(Volume(stripped, affine)),), 1).zeros_are_outside
    assert not Fingerprint((look(Volume(image, affine)),), 1).zeros_are_outside


def test_the_same_sample_is_looked_at_and_the_training_part_alone(tmp_path: Path) -> None:
    table = resolve(f"tcia-covid19-ct@{tcia.write(tmp_path, shape=(24, 24, 6))}")
    assert len(table.rows("train")) > 4
    one, two = fingerprint(table, most=4), fingerprint(table.subset(np.arange(len(table))[::-1]), most=4)
    assert (len(one.looked), one.count, one.modality) == (4, 12, "ct")
    assert [a.low for a in one.looked] == [b.low for b in two.looked]
    low, high = one.percentiles((0.5, 99.5), above=-900)
    assert -160 < low < -100
    assert 690 < high < 740


def test_what_cannot_be_read_is_said_and_nothing_readable_is_refused(tmp_path: Path) -> None:
    image, _, affine = head(12)
    for number in range(3):
        write(tmp_path / f"scan{number}.nii.gz", image, affine)
    (tmp_path / "scan0.nii.gz").write_bytes((tmp_path / "scan0.nii.gz").read_bytes()[:200])
    found = fingerprint(resolve(str(tmp_path)))
    assert (len(found.looked), len(found.unreadable)) == (2, 1)
    for number in range(3):
        (tmp_path / f"scan{number}.nii.gz").write_bytes(b"\x1f\x8b nothing")
    with pytest.raises(UserError, match=r"None of the 3 volumes .* can be read. The first: "):
        fingerprint(resolve(str(tmp_path)))
    for number in range(2):
        (tmp_path / f"scan{number}.nii.gz").unlink()
    with pytest.raises(UserError, match=r"The only volume cannot be read: .* `vesalius data check DATA --dims 3` names each file\."):
        fingerprint(resolve(str(tmp_path), least=1))


@pytest.mark.parametrize(
    ("word", "modality"), [("CT", "ct"), ("MR", "mr"), ("T1w", "mr"), ("FLAIR", "mr"), ("PT", "other"), (None, "ct")]
)
def test_what_the_table_says_goes_before_the_values(word: str | None, modality: str, tmp_path: Path) -> None:
    table = resolve(f"tcia-covid19-ct@{tcia.write(tmp_path, tcia.NAMES[:3], shape=(16, 16, 4))}")
    assert fingerprint(table.with_columns(**{"meta.modality": [word] * 3})).modality == modality
