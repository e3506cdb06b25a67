"""SECURITY.md: every claim leads to a test that is there, and nothing is asked of a server that nobody named."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest

import vesalius
from tests.recipes.tiny import images

ROOT = Path(__file__).resolve().parents[1]


def test_each_claim_leads_to_a_test() -> None:
    page = (ROOT / "SECURITY.md").read_text()
    rows = re.findall(r"^\| (?!claim|---)(.+?) \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) >= 15
    for claim, cell in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", cell)
        assert named, claim
        for file, test in named:
            assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE), f"{claim}: {file} has no {test}"
    for place in re.findall(r"\]\((docs/[^)]+)\)", page):
        assert (ROOT / place).is_file(), place


def test_no_server_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(_: socket.socket, address: Any) -> None:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *words, **_: refuse(socket.socket(), words))
    data = images(tmp_path / "images", 6)
    embedded = vesalius.embed("resnet18", str(data), quiet=True)
    vesalius.report(embedded.path)
    assert asked == []
