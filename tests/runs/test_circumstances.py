"""What is recorded of the machine and of the libraries."""

from __future__ import annotations

from importlib import metadata

import torch

from vesalius.runs.circumstances import hardware, other_than, versions


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


def test_what_is_other_is_named() -> None:
    here, machine = versions(), hardware()
    assert other_than({"versions": here, "hardware": machine}) == []
    assert other_than({}) == [], "of an older run nothing is known"
    made = {"versions": {**here, "torch": "1.0", "gone": "3"}, "hardware": {**machine, "threads": 99}}
    assert other_than(made) == [f"torch 1.0, here {here['torch']}", "gone 3, here absent", f"threads 99, here {machine['threads']}"]
    assert other_than({"hardware": {"threads": 99}}, threads=99) == []
