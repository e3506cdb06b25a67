"""A shipped recipe and the user's own images: nothing is fetched that nobody asked for, and batches fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recipes.tiny import images
from vesalius.recipes.arguments import from_pairs, pairs
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.own_images import with_smaller_batches


def loaded(*tokens: str, base: Any = "cifar10-simclr") -> tuple[PretrainConfig, list[str]]:
    changes, _ = from_pairs(pairs(tokens))
    return load_pretrain(base, changes)


def test_the_recipes_own_labelled_set_is_not_fetched_for_other_images(tmp_path: Path) -> None:
    mine = str(images(tmp_path / "mine", 3))
    config, sentences = loaded("--data.train", mine)
    assert config.data.monitor is None
    assert "would be watched on cifar10" in " ".join(sentences)
    file = tmp_path / "mine.yaml"
    file.write_text(f"extends: cifar10-simclr\ndata: {{train: {mine}}}\n")
    assert loaded(base=str(file))[0].data.monitor is None
    resolved, sentences = load_pretrain(config.model_dump(mode="json", exclude_none=True))
    assert (resolved.data.monitor, sentences) == (None, [])


@pytest.mark.parametrize(
    ("recipe", "tokens", "monitor"),
    [
        ("cifar10-simclr", (), "cifar10"),
        ("cifar10-simclr", ("--data.train", "{mine}", "--data.monitor", "{mine}"), "{mine}"),
        ("cifar10-simclr", ("--data.train", "{mine}", "--data.monitor", "cifar10"), "cifar10"),
        ("cifar10-simclr", ("--data.train", "cifar10@{mine}"), "cifar10"),
        ("nih-rsna-simclr", ("--data.train", "nih-chestxray14@{mine}"), "rsna-pneumonia"),
        ("cifar10-simclr", ("--data.train", "{mine}/nowhere"), "cifar10"),
    ],
)
def test_what_was_meant_is_watched(recipe: str, tokens: tuple[str, ...], monitor: str, tmp_path: Path) -> None:
    mine = str(images(tmp_path / "mine", 3))
    config, sentences = loaded(*(token.format(mine=mine) for token in tokens), base=recipe)
    assert config.data.monitor == monitor.format(mine=mine)
    assert sentences == []


@pytest.mark.parametrize(("count", "processes", "size"), [(350, 1, 64), (350, 2, 32), (40, 1, 8), (9, 1, 2), (512, 1, 512), (600, 1, 512)])
def test_the_recipes_batch_gives_way_to_few_images(count: int, processes: int, size: int) -> None:
    config, sentences = with_smaller_batches(loaded()[0], count, processes)
    assert config.batch_size == size
    assert bool(sentences) == (size != 512)
    assert config.origins["epochs"] == "cifar10-simclr"


def test_a_batch_that_was_asked_for_stays() -> None:
    assert with_smaller_batches(loaded("--batch_size", "512")[0], 350, 1)[0].batch_size == 512
