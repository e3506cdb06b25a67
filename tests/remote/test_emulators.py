"""Azure's and Google's storage, stood in for by their emulators."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote import journey
from tests.remote.storages import Storage, storage

pytestmark = pytest.mark.emulators


@pytest.fixture(scope="module", params=["az", "gs"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with storage(request.param, tmp_path_factory.mktemp("server")) as made:
        yield made


def test_a_build_through_broken_connections_loses_nothing(server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journey.build_loses_nothing(server, tmp_path, monkeypatch)


def test_a_pretraining_through_broken_connections_ends_the_same(
    server: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    journey.pretraining_loses_nothing(server, tmp_path)
    assert server.secret.encode() not in journey.written(tmp_path / "cache", tmp_path / "runs")
