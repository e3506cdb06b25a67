"""What is recorded of the machine and of the libraries."""

from __future__ import annotations

from importlib import metadata

import torch

from vesalius.runs.circumstances import changed, hardware, versions


def test_versions_are_those_that_are_installed() -> None:
    found = versions()
    for name in ("torch", "numpy", "scipy", "pillow", "simpleitk", "scikit-learn"):
        assert found[name] == metadata.version(name)
    assert {"python", "system", "machine", "byteorder"} <= found.keys()


def test_the_machine_is_known_by_its_processor_and_not_by_its_name() -> None:
    found = hardware()
    assert found["threads"] == torch.get_num_threads()
    assert found["processor"]
    assert set(found) <= {"processor", "threads", "kernels", "gpu"}


def test_what_changed_is_named() -> None:
    assert changed({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "5"}) == ["b 2, here 4", "c 3, here absent"]
