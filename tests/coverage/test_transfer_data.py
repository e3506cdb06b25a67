"""Transfer D1 to D12: the ten sets as they lie in the original's ``data`` tree, unpacked where they came packed, with its labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.coverage.command_line import vesalius
from tests.trees import transfer
from vesalius.data.checking import check
from vesalius.data.references import data_folder, resolve
from vesalius.data.shuffled import SAID
from vesalius.data.splits import split
from vesalius.encoders import build_encoder
from vesalius.encoders.saving import save_encoder

LABELS: Mapping[str, tuple[str, str]] = {
    "bach": ("classes", "class"),
    "chestx": ("classes", "single7"),
    "chexpert:pleural-effusion": ("binary", "Pleural Effusion"),
    "cifar10": ("classes", "class"),
    "diabetic_retinopathy": ("ordinal", "grade"),
    "ichallenge_amd": ("binary", "amd"),
    "ichallenge_pm": ("binary", "pathological"),
    "montgomerycxr": ("binary", "tuberculosis"),
    "shenzhencxr": ("binary", "tuberculosis"),
    "stoic": ("binary", "covid"),
}
"""What each set is called there, and its labels here where nothing else is said."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return transfer.original(tmp_path_factory.mktemp("original") / "data")


@pytest.fixture(autouse=True)
def there(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_DATA", str(data))


def found(name: str) -> dict[str, Any]:
    """``vesalius data check`` of a set by its name alone: said without an error, its facts returned."""
    told = vesalius("data", "check", name)
    assert told.code == 0, told.said
    facts = check(name, decode=True)
    assert facts["unreadable"] == []
    kind, label = LABELS[name]
    assert (facts["task"]["kind"], facts["task"]["labels"]) == (kind, [label])
    assert facts["licence"]
    return facts


def test_bach_is_read_as_it_lies() -> None:
    facts = found("bach")
    assert facts["labels"]["class"] == {"Normal": 3, "Benign": 3, "InSitu": 3, "Invasive": 3}
    assert set(facts["splits"]) == {"train", "test"}


def test_chestx_is_read_as_it_lies() -> None:
    facts = found("chestx")
    assert 0 < facts["images"] < 28, "only images of one of seven findings"
    assert resolve("chestx:fourteen").require_task().kind == "multilabel"


def test_chexpert_is_read_as_it_lies() -> None:
    facts = found("chexpert:pleural-effusion")
    assert facts["images"] > 10
    assert facts["uncertain"] == "ignore"
    assert "uncertain" in facts["labels"]["Pleural Effusion"]
    assert resolve("chexpert:five").require_task().kind == "multilabel"


def test_cifar_is_read_as_it_lies(photographs: Path) -> None:
    assert found("cifar10")["images"] == 36
    for name, folder, images in (("cifar10", "ten", 36), ("cifar100", "hundred", 80)):
        done = vesalius("data", "check", f"{name}@{photographs / folder}")
        assert done.code == 0, done.said
        said = " ".join(done.said.split())
        assert str(images) in said
        assert "unreadable" in said


def test_eyepacs_is_read_as_it_lies() -> None:
    facts = found("diabetic_retinopathy")
    assert facts["splits"] == {"train": 20, "test": 10}
    assert facts["subjects"] == 15
    assert facts["shared_subjects"] == {"train/test": 0}


def test_ichallenge_amd_is_read_as_it_lies() -> None:
    assert found("ichallenge_amd")["labels"]["amd"] == {"no": 4, "yes": 4}


def test_ichallenge_pm_is_read_as_it_lies() -> None:
    assert found("ichallenge_pm")["labels"]["grade"] == {"normal": 4, "high myopia": 4, "pathological myopia": 4}


def test_montgomery_is_read_as_it_lies() -> None:
    assert found("montgomerycxr")["labels"]["tuberculosis"] == {"no": 8, "yes": 4}
    assert resolve("montgomery").fingerprint() == resolve("montgomerycxr").fingerprint()


def test_shenzhen_is_read_as_it_lies() -> None:
    assert found("shenzhencxr")["labels"]["tuberculosis"] == {"no": 6, "yes": 6}
    assert resolve("shenzhen").fingerprint() == resolve("shenzhencxr").fingerprint()


def test_stoic_is_read_as_it_lies() -> None:
    assert found("stoic")["labels"]["covid"] == {"no": 5, "yes": 5}


def test_the_list_of_sources_says_their_other_names_and_which_are_there() -> None:
    lines = [line.split("\t") for line in vesalius("data", "list").said.splitlines() if "\t" in line]
    rows = {line[0]: line for line in reversed(lines)}  # stores of decoded images may follow, under the same names
    assert rows["eyepacs"][1] == "diabetic-retinopathy"
    assert {name for name, row in rows.items() if row[-1] == "there"} >= {"eyepacs", "cifar10", "nih-chestxray14", "ichallenge-pm", "stoic"}


def test_what_comes_in_parts_is_unpacked(data: Path, tmp_path: Path) -> None:
    """EyePACS' parts joined; NIH's folders need no merging; where to ask for the tuberculosis sets is said."""
    packed = Path(shutil.make_archive(str(tmp_path / "all"), "zip", data / "diabetic_retinopathy")).read_bytes()
    (tmp_path / "here").mkdir()
    for number, start in enumerate(range(0, len(packed), 5000), 1):
        (tmp_path / "here" / f"train.zip.{number:03d}").write_bytes(packed[start : start + 5000])
    assert "MD5" in vesalius("data", "unpack", f"eyepacs@{tmp_path / 'here'}").said
    assert resolve(f"eyepacs@{tmp_path / 'here'}").fingerprint() == resolve("eyepacs").fingerprint()
    shutil.copytree(data / "chestx", tmp_path / "nih")
    for number, file in enumerate(sorted((tmp_path / "nih" / "images").iterdir())):
        (tmp_path / "nih" / f"images_{1 + number % 12:03d}" / "images").mkdir(parents=True, exist_ok=True)
        file.rename(tmp_path / "nih" / f"images_{1 + number % 12:03d}" / "images" / file.name)
    assert resolve(f"chestx@{tmp_path / 'nih'}").fingerprint() == resolve("chestx").fingerprint()
    (tmp_path / "empty").mkdir()
    for name in ("montgomery", "shenzhen"):
        told = vesalius("data", "check", f"{name}@{tmp_path / 'empty'}")
        assert told.code == 2
        assert "https://openi.nlm.nih.gov/faq" in " ".join(told.said.split())


def test_labels_are_binary_where_that_is_possible() -> None:
    told = vesalius("data", "check", "ichallenge_pm:myopia")
    assert told.code == 0, told.said

    def yes(reference: str, **options: Any) -> tuple[str, int]:
        table = resolve(reference, **options)
        return table.require_task().kind, int((table.targets() == 1).sum())

    assert yes("montgomery") == ("binary", 4), "not normal is positive"
    assert (yes("ichallenge_pm"), yes("ichallenge_pm:myopia")) == (("binary", 4), ("binary", 8))
    for finding in ("pleural-effusion", "atelectasis", "edema", "consolidation", "cardiomegaly"):
        table = resolve(f"chexpert:{finding}-against-rest", uncertain="ones")
        assert table.require_task().kind == "binary"
        assert not np.isnan(table.targets()[table.rows("train")]).any(), "what is not mentioned is a no"
        assert np.isnan(resolve(f"chexpert:{finding}", uncertain="ones").targets()).any()
    assert resolve("bach:ordinal").require_task().kind == resolve("chestx:single7-ordinal").require_task().kind == "ordinal"
    assert yes("bach:carcinoma")[0] == yes("eyepacs:referable")[0] == "binary"


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_in_two_parts(seed: int) -> None:
    """Every set that knows its people, at any shares and seed; the original's division where it is asked for alone."""
    rng = np.random.default_rng(seed)
    for name in (*LABELS, "stoic:covid-slices"):
        table = split(resolve(name), float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.1, 0.3)), seed=seed)
        sides = [set(table.subjects[table.rows(part)]) for part in ("train", "val", "test")] if table.subjects is not None else []
        assert sum(map(len, sides)) == len(set().union(*sides))
        assert all(len(table.rows(part)) for part in ("train", "val", "test")), name


def test_sets_are_evaluated_as_the_original_divides_them(tmp_path: Path) -> None:
    """``--compat``: the labels and the division of the original, and a warning with every result."""
    encoder = tmp_path / "encoder"
    save_encoder(build_encoder("resnet18", channels=3, size=(16, 16), seed=1, width=0.0625), encoder)
    words = ["--encoder", str(encoder), "--replicates", "100"]
    for name in ("chestx", "chexpert", "shenzhen", "eyepacs"):
        words += ["--data", name]
    told = vesalius("evaluate", "knn", *words, "--compat", "ssl-medicalimaging", out=tmp_path / "run")
    assert told.code == 0, told.said
    facts = {row["name"]: row for row in json.loads((tmp_path / "run" / "results.json").read_text())["data"]}
    images = {name: [row["counts"][part]["images"] for part in ("train", "val", "test")] for name, row in facts.items()}
    assert images["shenzhen"] == [8, 1, 3]
    assert images["eyepacs"] == [16, 4, 10]
    assert facts["eyepacs"]["task"]["kind"] == "classes"
    assert facts["chexpert"]["task"]["labels"] == ["Pleural Effusion"]
    assert sum(images["chexpert"]) == sum(1 for _ in (data_folder() / "chexpert" / "CheXpert-v1.0" / "train").rglob("*.jpg"))
    assert any(text.startswith("What is uncertain counts as zeros") for text in facts["chexpert"]["warnings"])
    for name, row in facts.items():
        assert SAID in row["warnings"], name
    assert "occur in more than one of train, val and test" in " ".join(facts["eyepacs"]["warnings"])
