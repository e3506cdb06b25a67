"""``vesalius demo``: the whole story in a few minutes on real images inside an installed package, offline."""

from __future__ import annotations

from pathlib import Path

from vesalius.pretrain import Pretrained, pretrain


def demo(*, out: str | Path | None = None, quiet: bool = False) -> Pretrained:
    """Pretrain by the recipe ``demo``, examine the encoder beside its baselines, write the report; returns the run."""
    return pretrain("demo", out=out, quiet=quiet)
