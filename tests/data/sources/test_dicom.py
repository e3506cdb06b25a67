"""A folder of DICOM files as an archive writes it: what its table holds, and what is passed over and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.trees import dicom
from vesalius.data import store
from vesalius.data.dataset import resolve as resolve_aloud
from vesalius.data.references import resolve
from vesalius.data.sources.dicom import originals
from vesalius.errors import UserError
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dicom.write(tmp_path_factory.mktemp("dicom"), 4, 16)


def test_one_row_per_frame_and_what_headers_say(tree: Path) -> None:
    table = resolve(f"dicom@{tree}")
    frame = table.frame
    assert len(table) == 4 * 2 + 3
    assert frame["frame"].tolist() == [0, 1, 2] + [0] * 8
    assert set(frame["view"]) == {"PA"}
    assert set(frame["laterality"]) == {"U"}
    assert set(frame["meta.modality"]) == {"CR"}
    assert set(frame["spacing"]) == {(0.2, 0.3)}
    assert frame["width"].tolist() == frame["height"].tolist() == [16] * 11
    assert (frame["subject"].nunique(), frame["study"].nunique(), frame["series"].nunique()) == (4, 8, 8)
    assert "patient0" not in repr(frame.drop(columns="uri").to_dict())
    assert table.private
    assert table.task is None
    assert table.warnings[0] == (
        "In the folder, 1 DICOMDIR, 2 files of other kinds, 1 objects without a picture (SR) were passed over."
    )


def test_pixels_are_those_that_were_written(tree: Path, tmp_path: Path) -> None:
    table = resolve(tree)
    built = store.build(table, cache=tmp_path)
    for row in (0, 3, 6, 8):
        data = pydicom.dcmread(table.path(table.frame["uri"][row]))
        pixels = data.pixel_array.astype(float)
        pixels = pixels[int(table.frame["frame"][row])] if pixels.ndim == 3 else pixels
        pixels = 4095 - pixels if data.PhotometricInterpretation == "MONOCHROME1" else pixels
        assert np.abs(built.array(row)[0] / 65535 - pixels / 4095).max() <= 1 / 4095


def test_room_is_asked_for_by_what_headers_say(tree: Path, tmp_path: Path) -> None:
    table = resolve(tree)
    assert store.estimate(table, cache=tmp_path) == len(table) * 16 * 16 * 2
    assert store.estimate(table, store.StoreSettings(8), cache=tmp_path) == len(table) * 8 * 8 * 2


def test_another_window_is_another_store(tree: Path, tmp_path: Path) -> None:
    table = resolve(tree)
    plain = store.build(table, cache=tmp_path)
    narrow = store.build(table, store.StoreSettings(window=(2048.0, 100.0)), cache=tmp_path)
    assert plain.folder != narrow.folder
    assert not set(plain.digests) & set(narrow.digests)
    assert narrow.high[0] - narrow.low[0] == pytest.approx(100)
    assert store.StoreSettings().key == "native-keep", "and nothing else is decoded anew"


def test_a_folder_without_a_source_is_recognised(tree: Path, tmp_path: Path) -> None:
    assert resolve(str(tree)).source == "dicom"
    for number in range(3):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / f"{number}.png")
    assert resolve(str(tmp_path)).source == "folder"
    dicom.write(tmp_path / "half", 2, 16, studies=1)
    assert resolve(str(tmp_path)).source == "folder", "too many pictures of other kinds to pass over"
    assert resolve(f"folder@{tree}").source == "folder"
    assert len(resolve(f"dicom@{tmp_path}")) == 5


def test_only_the_columns_that_are_named_are_taken(tree: Path) -> None:
    taken = {"meta.modality", "meta.burned_in"}
    assert {name for name in resolve(tree).frame if name.startswith("meta.")} == taken
    table = resolve(tree, columns=["PhotometricInterpretation", "PatientSex"])
    assert {name for name in table.frame if name.startswith("meta.")} == taken | {
        "meta.PhotometricInterpretation",
        "meta.PatientSex",
    }
    assert sorted(table.frame["meta.PhotometricInterpretation"].unique()) == ["MONOCHROME1", "MONOCHROME2"]
    assert table.frame["meta.PatientSex"].isna().all()
    with pytest.raises(UserError, match=r"no keyword 'PatientSecks'.*Did you mean PatientSex"):
        resolve(tree, columns=["PatientSecks"])
    assert (
        len(resolve(tree, columns="PhotometricInterpretation", filter="PhotometricInterpretation=MONOCHROME1")) == 4
    )


def test_a_modality_is_chosen_by_the_filter(tmp_path: Path) -> None:
    for number, modality in enumerate(("CR", "DX", "DOE^JANE", "SEG")):
        data = dicom.radiograph(np.zeros((8, 8), np.uint16), "x", f"1.{number}")
        data.Modality = modality
        data.save_as(tmp_path / f"{number}", enforce_file_format=True)
    table = resolve(f"dicom@{tmp_path}")
    assert table.frame["meta.modality"].tolist() == ["CR", "DX", "other"]
    assert "1 objects without a picture (SEG)" in table.warnings[0]
    assert len(resolve(f"dicom@{tmp_path}", filter="modality=CR,DX")) == 2
    with pytest.raises(UserError, match="no column 'BodyPart' to filter by"):
        resolve(f"dicom@{tmp_path}", filter="BodyPart=CHEST")


def test_what_a_user_should_know_is_said_without_names(tmp_path: Path) -> None:
    for number in range(4):
        data = dicom.radiograph(np.zeros((8, 8), np.uint16), "anonymous" if number else "", f"1.{number}")
        data.BurnedInAnnotation = "YES" if number else "NO"
        data.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "2.dcm").write_bytes((tmp_path / "2.dcm").read_bytes())
    table = resolve(tmp_path)
    said = " ".join(table.warnings)
    assert table.subjects is not None
    assert len(set(table.subjects) - {None}) == 2, "the nameless study is a patient of its own"
    for words in (
        "4 of 5 files say that text is burned into their pixels",
        "1 of 5 images name no patient; each study",
        "One PatientID stands in all 3 studies",
        "1 files bear the SOPInstanceUID of another file",
    ):
        assert words in said
    assert "anonymous" not in said
    assert "burned into their pixels" in table.asides[0], "on the terminal too, before thumbnails are made"


def test_damaged_headers_are_rows_that_decoding_refuses_by_id(tree: Path, tmp_path: Path) -> None:
    data = next(tree.rglob("*image1.dcm")).read_bytes()
    for number in range(3):
        (tmp_path / f"{number}.dcm").write_bytes(data)
    (tmp_path / "broken.dcm").write_bytes(data[:150] + b"\xff" * 300)
    table = resolve(tmp_path)
    assert len(table) == 4
    built = store.build(table, cache=tmp_path / "cache", max_bad_share=0.3)
    assert [number for number, _ in built.left_out] == [int(table.ids[table.frame["uri"].tolist().index("broken.dcm")])]


def test_labels_by_study_reach_every_frame(tree: Path) -> None:
    table = resolve(tree, labels_file=str(tree / "labels.csv"), labels="finding")
    assert table.class_names == {"finding": ["sick", "well"]}
    assert table.require_task().kind == "binary"
    assert table.labels("finding").tolist() == [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1]
    assert any("joined by StudyInstanceUID" in said for said in table.warnings)
    assert "meta.note" not in table.frame


def test_what_matches_nothing_is_counted_in_the_run_and_named_on_the_terminal(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.csv").write_text("PatientID,label\npatient001,1\npatient002,0\nDoe^Jane,1\npatient001,1\n")
    table = resolve_aloud(str(tree), labels_file=str(tmp_path / "few.csv"), terminal=Terminal())
    assert "1 of the label table's 3 entries match no image." in table.warnings
    assert "7 of 11 images have no label." in table.warnings
    assert "Doe" not in " ".join(table.warnings)
    assert "Doe^Jane match no image" in capsys.readouterr().err
    assert int(np.isnan(table.labels("label")).sum()) == 7


def test_class_folders_are_taken_when_they_are_asked_for(tree: Path, tmp_path: Path) -> None:
    for place in ("sick", "well"):
        dicom.write(tmp_path / place, 2, 16, studies=1)
        for other in (tmp_path / place).glob("*.*"):
            other.unlink()
    assert resolve(tmp_path).task is None, "folders may bear the names of people"
    assert resolve(tmp_path, labels="class").class_names == {"class": ["sick", "well"]}
    with pytest.raises(UserError, match=r"asked for as first-level sub-folders"):
        resolve(tree, labels="class")
    with pytest.raises(UserError, match=r"no labels called finding.*data\.labels_file"):
        resolve(tree, labels="finding")


def test_folders_without_images_are_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no DICOM images \\(it is empty\\)"):
        resolve(f"dicom@{tmp_path}")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match="no DICOM images \\(1 files of other kinds\\)"):
        resolve(f"dicom@{tmp_path}")
    with pytest.raises(UserError, match="Give the folder that holds the DICOM files"):
        resolve(f"dicom@{tmp_path / 'nowhere'}")
    with pytest.raises(UserError, match="does not take 'labels_file'"):
        resolve("demo", labels_file="x.csv")


def test_ids_lead_back_to_files_and_identifiers(tree: Path) -> None:
    table = resolve(tree)
    row = 4
    path = table.path(table.frame["uri"][row])
    assert table.locate([f"{table.ids[row]:016x}"]) == [str(path)]
    told = originals(path)
    assert told["PatientID"] == "patient000"
    assert set(told) == {"PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"}
    of_patient = table.locate([table.frame["subject"][row]])
    assert len(of_patient) == 5
    assert of_patient[1].endswith("#1")
    with pytest.raises(UserError, match="has the id zebra"):
        table.locate(["zebra"])
