"""Selected files copied or linked into a folder."""

# Proves select.taken too: see mirrors.yaml.

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.select.handing.selections import of_folder, selected
from vesalius.data import references
from vesalius.errors import UserError
from vesalius.select.handing import copies, links

PICKED = ["b/é ü.png", "a/eins.png", "b/four's.jpg"]


def below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir() and not p.name.startswith("."))


@pytest.mark.parametrize("handing", [copies, links])
def test_files_keep_their_relative_paths(handing: ModuleType, tmp_path: Path) -> None:
    handed = handing.write(of_folder(tmp_path / "data"), tmp_path / "out")
    assert below(tmp_path / "out") == sorted(PICKED)
    assert len(handed.files) == 3
    assert handed.notes == ()
    for name in PICKED:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "data" / name).read_bytes()
        assert (tmp_path / "out" / name).is_symlink() == (handing is links)
        assert (tmp_path / "out" / name).stat().st_mtime_ns == (tmp_path / "data" / name).stat().st_mtime_ns


@pytest.mark.parametrize("handing", [copies, links])
def test_a_killed_call_is_gone_on_with(handing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = of_folder(tmp_path / "data")
    out = tmp_path / "out"
    put, done = ("_copy" if handing is copies else "_link"), []
    real = getattr(handing, put)

    def dies(place: Path, target: Path) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(place.name)
        real(place, target)

    monkeypatch.setattr(handing, put, dies)
    with pytest.raises(KeyboardInterrupt):
        handing.write(one, out)
    assert handing.begun(out)
    (out / "a" / ".eins.png.tmp-1-0-00").write_bytes(b"half a file of a killed process")
    done.clear()
    handing.write(one, out)
    assert done == ["four's.jpg"]  # the two that were there are not put again
    assert below(out) == sorted(PICKED)
    assert not handing.begun(out)


def test_a_copy_that_changed_is_made_again(tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data")
    copies.write(one, tmp_path / "out")
    (tmp_path / "out" / PICKED[1]).write_bytes(b"cut")
    copies.write(one, tmp_path / "out")
    assert (tmp_path / "out" / PICKED[1]).read_bytes() == (tmp_path / "data" / PICKED[1]).read_bytes()


@pytest.mark.parametrize("handing", [copies, links])
def test_vanished_files_are_named_and_all_of_them_refused(handing: ModuleType, tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data")
    (tmp_path / "data" / PICKED[0]).unlink()
    handed = handing.write(one, tmp_path / "out")
    assert len(handed.files) == 2
    assert handed.notes[0].startswith(f"1 left out, which could not be read: {PICKED[0]}")
    assert handing.begun(tmp_path / "out")  # when it is back, the rest can be fetched
    for name in PICKED[1:]:
        (tmp_path / "data" / name).unlink()
    with pytest.raises(UserError, match="None of the 3 selected files is there"):
        handing.write(one, tmp_path / "elsewhere")


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    one = of_folder(tmp_path / "data")
    (tmp_path / "out").mkdir()
    assert copies.begun(tmp_path / "out")  # empty: it may be used
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert not copies.begun(tmp_path / "out")
    with pytest.raises(UserError, match="holds other files"):
        copies.write(one, tmp_path / "out")
    copies.write(one, tmp_path / "first")
    other = of_folder(tmp_path / "data", rows=(1, 3))
    with pytest.raises(UserError, match="begun for another selection"):
        copies.write(other, tmp_path / "first")


def test_any_file_is_copied_as_it_is_several_frames_once(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for name in ("x.dcm", "y.tif"):
        (root / name).write_bytes(os.urandom(20))
    from vesalius.data.table import SampleTable

    table = SampleTable.of("folder", root, ["x.dcm", "x.dcm", "y.tif"], frames=[0, 1, 0])
    handed = copies.write(selected(table, (0, 1, 2), labelled=False), tmp_path / "out")
    assert below(tmp_path / "out") == ["x.dcm", "y.tif"]
    assert len(handed.files) == 2


def test_a_volume_that_is_a_folder_of_slices_is_copied_whole(tmp_path: Path) -> None:
    from vesalius.data.table import SampleTable

    root = tmp_path / "data"
    (root / "patient" / "scan").mkdir(parents=True)
    for number in range(3):
        (root / "patient" / "scan" / f"{number}.dcm").write_bytes(bytes([number]))
    (root / "brain.nii.gz").write_bytes(b"volume")
    table = SampleTable.of("folder", root, ["brain.nii.gz", "patient/scan"], dims=3)
    copies.write(selected(table, (0, 1), labelled=False), tmp_path / "out")
    assert below(tmp_path / "out") == ["brain.nii.gz", *(f"patient/scan/{n}.dcm" for n in range(3))]


def test_rows_of_an_array_are_no_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", train_images=np.zeros((5, 9, 9), np.uint8), train_labels=np.arange(5) % 2)
    table = references.resolve(str(tmp_path / "images.npz"))
    with pytest.raises(UserError, match="rows of arrays, not files") as told:
        copies.write(selected(table, (0, 1), labelled=False), tmp_path / "out")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_name_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    from vesalius.data.table import SampleTable

    (tmp_path / "data").mkdir()
    (tmp_path / "aside.png").write_bytes(b"x")
    table = SampleTable.of("folder", tmp_path / "data", ["../aside.png", str(tmp_path / "aside.png")])
    copies.write(selected(table, (0, 1), labelled=False), tmp_path / "out")
    assert all((tmp_path / "out") in p.resolve().parents for p in (tmp_path / "out").rglob("*.png"))
    assert "aside.png" in below(tmp_path / "out")
