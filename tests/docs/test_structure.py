"""The page on the structure: its walks name what is there, its numbers are current within a tolerance."""

from __future__ import annotations

import itertools
import re

import pytest

from docs import structure


def test_the_reader_opens_at_most_four_files_and_700_lines() -> None:
    found = structure.numbers()
    assert found["reader's files"] <= 4
    assert found["reader's lines"] <= 700


@pytest.mark.parametrize("path", [structure.READER, structure.IMAGE, structure.FEATURE])
def test_every_function_of_a_walk_is_in_its_file(path: dict[str, str]) -> None:
    for name, what in path.items():
        text = (structure.SOURCE / name).read_text(encoding="utf-8")
        for word in re.findall(r"`([\w.]+)`", what):
            assert all(re.search(rf"(def|class) {part}\b", text) for part in word.split(".")), (name, word)


def test_each_file_of_the_readers_path_leads_to_the_next() -> None:
    names = list(structure.READER)
    for name, following in itertools.pairwise(names[:3]):
        module = "vesalius." + following.removesuffix(".py").replace("/", ".")
        assert f"from {module} import" in (structure.SOURCE / name).read_text(encoding="utf-8")


def test_no_import_leads_up_and_no_room_is_left_out() -> None:
    assert structure.upward() == []
    rooms = {room for layer in structure.layers() for room in layer}
    there = {p.stem for p in structure.SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()} - {"__init__"}
    assert there == rooms
    assert all(f">{room}<" in structure.PICTURE.read_text(encoding="utf-8") for room in rooms), "python -m docs.structure"


def test_the_numbers_of_the_page_are_current_to_a_tenth() -> None:
    text = structure.PAGE.read_text(encoding="utf-8")
    for name, value in structure.numbers().items():
        stated = re.search(rf"\| {re.escape(name)} \| ([\d,.]+) \|", text)
        assert stated, name
        assert float(stated[1].replace(",", "")) == pytest.approx(value, rel=0.1), "python -m docs.structure writes the page again"


def test_no_file_of_the_package_is_longer_than_400_lines() -> None:
    assert structure.numbers()["longest file"] <= 400
