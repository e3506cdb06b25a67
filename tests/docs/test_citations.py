"""docs/citations.md is what the docstrings say; every method, protocol, strategy, source and family of the zoo names its paper or needs none."""

from __future__ import annotations

import pytest

from docs import citations
from vesalius import registry

WITHOUT = {
    "protocols": {"label_efficiency", "retrieval"},
    "strategies": {"balance", "coverage", "similarity", "target_range", "threshold", "weights"},
    "sources": {"covid_cxr", "crops", "datalist", "dicom", "folder", "table", "tiles", "volumes"},
    "zoo": {"supervised"},
}
"""Plain definitions, the Worker's own words, files of the user's, and labels alone. ``coverage`` computes what ``measures.facility`` cites."""


def test_the_page_is_what_the_code_says() -> None:
    assert citations.PAGE.read_text() == citations.page(), "write it again: python -m docs.citations"


@pytest.mark.parametrize("group", ["methods", "protocols", "strategies", "sources", "zoo"])
def test_what_has_a_name_has_a_paper(group: str) -> None:
    folder = citations.ROOT / "src" / registry.GROUPS[group].replace(".", "/")
    files = [file for file in sorted(folder.glob("*.py")) if not file.stem.startswith("_")]
    assert files
    assert {file.stem for file in files if not citations.papers(file)} == WITHOUT.get(group, set())


def test_papers_are_read_as_they_are_written() -> None:
    text = """A thing (Wang and Isola, ICML 2020), DINO, Caron et al., ICCV 2021. He et al., "Bag of tricks", CVPR 2019 (ResNet-D). In 2015, PNG, JPEG 2000.
    Holm, "A simple procedure", Scand. J. Statist. 1979. Youden's (Cancer, 1950)."""
    assert citations.cited(" ".join(text.split())) == [
        "He et al., “Bag of tricks”, CVPR 2019",
        "Holm, “A simple procedure”, Scand. J. Statist. 1979",
        "Wang and Isola, ICML 2020",
        "Caron et al., ICCV 2021",
        "Youden, Cancer, 1950",
    ]
