from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.trees import nih, rsna
from vesalius.cli import main
from vesalius.data.checking import check
from vesalius.data.references import resolve
from vesalius.data.sources import rsna_pneumonia as source
from vesalius.data.splits import split
from vesalius.errors import UserError

UNKNOWN = "subjects unknown: one patient's images may be on both sides"


@pytest.fixture(scope="module")
def kaggle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rsna.write(tmp_path_factory.mktemp("kaggle"), 12, unlabelled=3)


def test_kaggle_s_tree(kaggle: Path) -> None:
    table = resolve(f"rsna-pneumonia@{kaggle}")
    assert len(table) == 15
    assert table.labels("pneumonia")[:4].tolist() == [1, 0, 0, 1]
    assert np.isnan(table.labels("pneumonia")[12:]).all()
    assert table.frame["meta.boxes"][:4].tolist() == [1, 0, 0, 2]
    assert json.loads(table.frame["meta.box_list"][3]) == [[4, 8, 20, 30], [14, 8, 20, 30]]
    assert table.frame["uri"][0] == f"stage_2_train_images/{rsna.names(1)[0]}.dcm"
    assert table.frame["uri"][14].startswith("stage_2_test_images/")
    assert (table.private, table.subjects, table.require_task().name) == (False, None, "pneumonia")
    assert table.warnings[0].startswith(UNKNOWN)
    divided = split(table, 0.2, 0.2, seed=1)
    assert divided.split_by == "image"
    assert divided.warnings[0].startswith(UNKNOWN)


def test_three_classes_where_their_table_is_there(kaggle: Path, tmp_path: Path) -> None:
    table = resolve(f"rsna-pneumonia@{kaggle}:detailed")
    assert table.require_task().classes == ("Normal", "No Lung Opacity / Not Normal", "Lung Opacity")
    assert table.labels("detailed")[:6].tolist() == [2, 1, 0, 2, 0, 1]
    rsna.write(tmp_path, 3, detailed=False)
    assert resolve(f"rsna-pneumonia@{tmp_path}").label_names == ["pneumonia"]
    with pytest.raises(UserError, match=r"needs stage_2_detailed_class_info.csv, which is not in"):
        resolve(f"rsna-pneumonia@{tmp_path}:detailed")


def test_one_folder_up_or_down_is_the_same(kaggle: Path, tmp_path: Path) -> None:
    ids = resolve(f"rsna-pneumonia@{kaggle}").ids.tolist()
    assert resolve(f"rsna-pneumonia@{kaggle / 'stage_2_train_images'}").ids.tolist() == ids
    shutil.copytree(kaggle, tmp_path / "rsna-pneumonia-detection-challenge")
    assert resolve(f"rsna-pneumonia@{tmp_path}").ids.tolist() == ids


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_images_of_other_formats(suffix: str, kaggle: Path, tmp_path: Path) -> None:
    rsna.write(tmp_path, 12, suffix=suffix)
    assert resolve(f"rsna-pneumonia@{tmp_path}").ids.tolist() == resolve(f"rsna-pneumonia@{kaggle}").ids[:12].tolist()


def test_innereye_s_table(kaggle: Path, tmp_path: Path) -> None:
    rsna.write(tmp_path, 12, layout="innereye")
    table = resolve(f"rsna-pneumonia@{tmp_path}")
    assert table.ids.tolist() == resolve(f"rsna-pneumonia@{kaggle}").ids[:12].tolist()
    assert table.labels("pneumonia").sum() == 4
    assert table.warnings[0].startswith(UNKNOWN)
    with pytest.raises(UserError, match="knows no detailed classes"):
        resolve(f"rsna-pneumonia@{tmp_path}:detailed")


def test_the_mapping_gives_nih_s_people(tmp_path: Path) -> None:
    nih.write(tmp_path / "nih", 4, side=32)
    files = sorted(file.name for file in (tmp_path / "nih").rglob("*.png"))
    rsna.write(tmp_path / "rsna", 8, nih=files)
    reference = f"rsna-pneumonia@{tmp_path / 'rsna'}"
    people = resolve(f"nih-chestxray14@{tmp_path / 'nih'}").subjects
    assert people is not None
    found = resolve(reference)
    assert found.subjects is not None
    assert found.subjects.tolist() == people.tolist()
    assert found.warnings == []
    assert split(found, 0.25, 0.25).split_by == "subject"
    (tmp_path / "rsna" / rsna.MAPPING).rename(tmp_path / "elsewhere.json")
    assert resolve(reference).subjects is None
    again = resolve(reference, mapping=str(tmp_path / "elsewhere.json"))
    assert again.subjects is not None
    assert again.subjects.tolist() == people.tolist()
    with pytest.raises(UserError, match="There is no mapping"):
        resolve(reference, mapping=str(tmp_path / "absent.json"))


def test_data_check_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rsna.write(tmp_path, 6, nih=[f"{i:08d}_000.png" for i in range(6)])
    (tmp_path / rsna.MAPPING).rename(tmp_path / "m.json")
    said = []
    for words in ((), ("--mapping", str(tmp_path / "m.json"))):
        with pytest.raises(SystemExit) as ended:
            main(["data", "check", f"rsna-pneumonia@{tmp_path}", *words])
        assert not ended.value.code
        said.append(capsys.readouterr().out)
    assert [UNKNOWN in " ".join(out.split()) for out in said] == [True, False]
    assert check(f"rsna-pneumonia@{tmp_path}", mapping=str(tmp_path / "m.json"))["subjects"] == 6


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds neither stage_2_train_labels.csv .* Download and unpack"):
        resolve(f"rsna-pneumonia@{tmp_path}")
    (tmp_path / "rsna-pneumonia-detection-challenge.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"unzip rsna-pneumonia-detection-challenge.zip"):
        resolve(f"rsna-pneumonia@{tmp_path}")
    rsna.write(tmp_path, 4)
    gone = tmp_path / "stage_2_train_images" / f"{rsna.names(4)[2]}.dcm"
    gone.unlink()
    table = resolve(f"rsna-pneumonia@{tmp_path}")
    assert (len(table), table.missing) == (3, (rsna.names(4)[2],))
    assert "1 of 4 images that stage_2_train_labels.csv lists are not there; they are left out." in table.warnings
    shutil.rmtree(tmp_path / "stage_2_train_images")
    with pytest.raises(UserError, match=r"None of the 4 images .* is in .*stage_2_train_images"):
        resolve(f"rsna-pneumonia@{tmp_path}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "has no column 'patientId'"),
        ("patientId,x,y,width,height,Target\nq,,,,,7\n", "holds the label 7, where 0 or 1"),
        ("", "cannot be read as CSV"),
    ],
)
def test_a_wrong_table_is_one_paragraph(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "stage_2_train_labels.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        resolve(f"rsna-pneumonia@{tmp_path}")


def test_the_real_table() -> None:
    """As torchxrayvision ships it: 30,227 rows of 26,684 images, 6,012 with pneumonia, 9,555 boxes."""
    import pandas as pd

    package = find_spec("torchxrayvision")  # looked for, not imported: that takes half a minute
    if package is None or package.origin is None:
        pytest.skip("torchxrayvision, which carries the real label tables, is not installed")
    file = Path(package.origin).parent / "data" / "kaggle_stage_2_train_labels.csv.zip"
    raw = pd.read_csv(file)
    frame = source.read_labels(file)
    assert (len(raw), len(frame)) == (30_227, 26_684)
    assert frame["name"].is_unique
    assert set(frame["name"]) == set(raw["patientId"])
    assert frame["label.pneumonia"].sum() == 6_012
    assert frame["meta.boxes"].sum() == raw["x"].notna().sum() == 9_555
    assert ((frame["meta.boxes"] > 0) == (frame["label.pneumonia"] == 1)).all()
    assert frame["meta.boxes"].max() == 4
    two = frame.set_index("name").loc["00436515-870c-4b36-a041-de91049b9ab4"]
    assert json.loads(two["meta.box_list"]) == [[264, 152, 213, 379], [562, 152, 256, 453]]
    headers = pd.read_csv(file.with_name("kaggle_stage_2_train_images_dicom_headers.csv.gz"), low_memory=False)
    assert set(headers["PatientID"]) == set(frame["name"])
    assert headers["PatientID"].is_unique, "patientId names an image, not a person"
