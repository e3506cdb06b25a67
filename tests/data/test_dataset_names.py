"""A data set is called by its name where that tells nothing, and by a keyed number where it is a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.data.dataset_names import dataset_key, key_of


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["cells", "round-2", "BCCD_1.0"])
def test_a_plain_name_stays(name: str) -> None:
    assert key_of(name) == dataset_key("/data/elsewhere", name) == name


@pytest.mark.parametrize("name", ["/data/Jane Doe", "a b", "../up", "", "x" * 65, ".hidden"])
def test_a_path_becomes_a_number_that_tells_nothing(name: str) -> None:
    found = key_of(name)
    assert found.startswith("folder-")
    assert "Jane" not in found
    assert found == key_of(name)


def test_one_folder_has_one_key_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scans" / "inside").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert dataset_key("scans") == dataset_key(str(tmp_path / "scans")) == dataset_key("./scans/inside/..") == dataset_key(f"volumes@{tmp_path / 'scans'}")
    assert dataset_key("scans") != dataset_key("scans/inside")


def test_another_key_of_the_user_gives_another_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = key_of("/data/ward")
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "another"))
    assert key_of("/data/ward") != one
