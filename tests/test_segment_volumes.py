"""``vesalius predict`` of a run that segments: label volumes on the scans' own voxels, in their formats, once each."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch

import vesalius
from tests import volumes
from tests.trees import series
from vesalius.cli import main
from vesalius.data.plan import Intensity, Plan
from vesalius.data.readers.volume import read_labels, read_volume
from vesalius.data.task import TaskSpec
from vesalius.data.volumes.writing import write_volume
from vesalius.encoders import build_encoder
from vesalius.errors import TooManyBadFiles, UserError
from vesalius.tasks.finished import FILES
from vesalius.tasks.segmenter import Segmenter

CLASSES = ("background", "grey", "bright")
LEVELS = (0.0, 0.4005, 0.9)
"""What a voxel of each class is, of 1000."""


def threshold(self: Segmenter, x: torch.Tensor) -> torch.Tensor:
    """Stands for a trained network: each voxel is the class whose level is nearest."""
    return -1e3 * (x - torch.tensor(LEVELS, device=x.device).view(1, -1, 1, 1, 1)).square()


def expected(scan: Path) -> np.ndarray:
    values = read_volume(scan).values.astype(np.float32).clip(0, 1000) / 1000
    return np.abs(values[..., None] - np.array(LEVELS, np.float32)).argmin(-1)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    encoder = build_encoder("monai:segresnet", channels=1, size=(16, 16, 16), seed=1, init_filters=4, blocks_down=[1, 1])
    plan = Plan(modality="ct", intensity=Intensity(rule="window", low=0, high=1000), foreground=-500.0, crop=False, patch=(16, 16, 16))
    encoder.card = encoder.card.model_copy(update={"plan": plan})
    Segmenter.build(encoder, TaskSpec("tissue", "segmentation", (), CLASSES), seed=2).save(tmp_path / "run")
    monkeypatch.setattr(Segmenter, "forward", threshold)
    return tmp_path / "run"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Four heads: two ways of lying in a file, three formats, a folder below another."""
    folder = tmp_path / "scans"
    volumes.write_tree(folder / "a", 1, side=(20, 18, 14), labels=False, axes="RAS")
    volumes.write_tree(folder / "b", 1, side=(20, 18, 14), labels=False, axes="PSL", seed=1)
    image, _, affine = volumes.head((20, 18, 14), seed=2)
    for name in ("two.nrrd", "three.mha"):
        write_volume(folder / name, image, affine)
    return folder


def test_each_scan_has_its_labels_where_it_lies(run: Path, scans: Path, tmp_path: Path):
    result = vesalius.predict(run, str(scans), out=tmp_path / "out", quiet=True)
    names = {"a/imagesTr/case_000": ".nii.gz", "b/imagesTr/case_000": ".nii.gz", "two": ".nrrd", "three": ".mha"}
    for name, suffix in names.items():
        scan, labels = scans / f"{name}{suffix}", tmp_path / "out" / f"{name}_seg{suffix}"
        source, found = read_volume(scan), read_labels(labels)
        np.testing.assert_allclose(found.affine, source.affine, atol=1e-5)
        np.testing.assert_array_equal(found.values, expected(scan), err_msg=name)
    for name in ("a", "b"):
        first, other = (nibabel.load(f) for f in sorted((scans / name).rglob("*.nii.gz")) + sorted((tmp_path / "out" / name).rglob("*.nii.gz")))
        assert nibabel.aff2axcodes(first.affine) == nibabel.aff2axcodes(other.affine)
        assert np.array_equal(first.affine, other.affine)
        assert other.get_data_dtype() == np.uint8
    table = result.table
    assert sorted(table["file"]) == sorted(f"{name}_seg{suffix}" for name, suffix in names.items())
    assert (tmp_path / "out" / "preview.png").stat().st_size > 2000
    row = table.set_index("uri").loc["two.nrrd"]
    truth = np.bincount(expected(scans / "two.nrrd").ravel(), minlength=3)
    assert [row[f"voxels_{name}"] for name in CLASSES] == truth.tolist()
    assert row["ml_bright"] == pytest.approx(truth[2] * 2 * 2 * 3 / 1000)


def test_a_dicom_series_in_nifti_out(run: Path, tmp_path: Path):
    image, _, affine = volumes.head((20, 18, 14), seed=3)
    folder = series.save(tmp_path / "scans" / "patient" / "ct", series.slices(image.clip(0), affine))
    result = vesalius.predict(run, str(tmp_path / "scans"), out=tmp_path / "out", quiet=True)
    assert len(result.table) == 1
    name = result.table["file"][0]
    assert name.startswith("patient/ct")
    assert name.endswith("_seg.nii.gz")
    source, found = read_volume(folder), read_labels(tmp_path / "out" / name)
    np.testing.assert_allclose(found.affine, source.affine, atol=1e-4)
    np.testing.assert_array_equal(found.values, expected(folder))


def test_probabilities_lie_beside(run: Path, scans: Path, tmp_path: Path):
    vesalius.predict(run, str(scans / "a"), out=tmp_path / "out", probabilities=True, quiet=True)
    found = nibabel.load(tmp_path / "out" / "imagesTr" / "case_000_prob.nii.gz")
    shares, labels = found.get_fdata(), nibabel.load(tmp_path / "out" / "imagesTr" / "case_000_seg.nii.gz").get_fdata()
    assert shares.shape == (20, 18, 14, 3)
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(shares.argmax(-1), labels)


def test_what_is_there_is_not_made_again_and_what_is_broken_is_named(
    run: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (scans / "broken.nii.gz").write_bytes(b"no volume")
    first = vesalius.predict(run, str(scans), out=tmp_path / "out")
    assert "Left out broken.nii.gz" in capsys.readouterr().err
    assert pd.read_csv(tmp_path / "out" / "left_out.csv")["uri"].tolist() == ["broken.nii.gz"]
    assert json.loads((first.path / "run.json").read_text())["computed"] == 4
    kept = (tmp_path / "out" / "two_seg.nrrd").stat().st_mtime_ns
    (tmp_path / "out" / "three_seg.mha").write_bytes(b"cut")
    second = vesalius.predict(run, str(scans), out=tmp_path / "out", quiet=True)
    assert json.loads((second.path / "run.json").read_text())["computed"] == 1, "only the one that was cut"
    assert (tmp_path / "out" / "two_seg.nrrd").stat().st_mtime_ns == kept
    pd.testing.assert_frame_equal(first.table, second.table)
    again = vesalius.predict(run, str(scans), out=tmp_path / "out", resume=False, quiet=True)
    assert json.loads((again.path / "run.json").read_text())["computed"] == 4
    for scan in scans.rglob("*.*"):
        scan.write_bytes(b"no volume")
    with pytest.raises(TooManyBadFiles):
        vesalius.predict(run, str(scans), out=tmp_path / "other", quiet=True)


def test_without_a_folder_the_run_holds_ids_only(run: Path, scans: Path):
    result = vesalius.predict(run, str(scans), quiet=True)
    assert len(list((result.path / "segmentations").iterdir())) == 4
    assert "uri" not in result.table
    assert {len(Path(name).name.split("_")[0]) for name in result.table["file"]} == {16}
    for file in result.path.rglob("*"):
        if file.is_file() and file.name != "config.yaml":
            assert b"case_000" not in file.read_bytes()
    page = (result.path / "report.html").read_text()
    assert "bright" in page
    assert "Every scan could be read" in page


def test_the_command_line(run: Path, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(run), str(scans / "two.nrrd"), "--out", str(tmp_path / "out")])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "volumes.csv")
    assert (tmp_path / "out" / "two_seg.nrrd").is_file()
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(run), str(scans), "--out", str(tmp_path / "p.csv")])
    assert ended.value.code == 2
    assert "Name a folder with --out" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    for name in FILES["classifier"]:
        (tmp_path / "other" / name).touch()
    with pytest.raises(UserError, match="is for runs that segment"):
        vesalius.predict(tmp_path / "other", str(scans), probabilities=True, quiet=True)
