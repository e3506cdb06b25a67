"""Transfer D4: CIFAR as it lies."""

from __future__ import annotations

from pathlib import Path

from tests.coverage.command_line import vesalius


def test_cifar_is_read_as_it_lies(photographs: Path) -> None:
    for name, folder, images in (("cifar10", "ten", 36), ("cifar100", "hundred", 80)):
        done = vesalius("data", "check", f"{name}@{photographs / folder}")
        assert done.code == 0, done.said
        said = " ".join(done.said.split())
        assert str(images) in said
        assert "unreadable" in said
