"""Shapes and types are checked at run time in tests; one thread, so that sums have one order."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from jaxtyping import install_import_hook

install_import_hook(
    ["vesalius.measures", "vesalius.methods", "vesalius.views", "vesalius.training", "vesalius.encoders", "vesalius.features"],
    "beartype.beartype",
)

os.environ.setdefault("MPLBACKEND", "Agg")

import pytest  # noqa: E402
import torch  # noqa: E402

from vesalius import registry  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's cache or runs: one cache for the session, its own working runs."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("VESALIUS_CACHE", str(base / "vesalius-cache"))
    monkeypatch.setenv("VESALIUS_RUNS", str(base / "vesalius-runs"))


@pytest.fixture(autouse=True)
def _own_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is gone after it."""
    monkeypatch.setattr(registry, "_plugins", {})
    yield
    if registry._plugins:
        registry.names.cache_clear()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 MB, for what happens when it is full."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root: tmpfs")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("needs root: tmpfs")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End with the number of skipped tests by reason."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    terminalreporter.write_line(f"skipped tests: {sum(reasons.values())}")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"  {count} × {reason}")
