"""What a recipe extends: chains, circles, where a file is looked for, and who said each field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recipes.tiny import tiny
from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.layers import GIVEN, layers, verb_of
from vesalius.recipes.loading import load_pretrain
from vesalius.runs import Run
from vesalius.runs.commented import commented


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def test_a_chain_from_a_shipped_recipe_through_files_in_other_folders(here: Path) -> None:
    (here / "team").mkdir()
    write(here / "team", base="extends: NIH_RSNA_BYOL\nbatch_size: 64\nmonitors: [knn]\n", study="extends: base.yaml\nmethod: {momentum: 0.98}\n")
    write(here, mine="extends: team/study.yaml\nmonitors: {knn: {k: 3}}\nsteps: 7\n")
    config, _ = load_pretrain("mine.yaml", {"seed": 9, "encoder": {"width": 0.5}})
    assert [layer.origin for layer in layers("mine.yaml")] == ["nih-rsna-byol", "base.yaml", "study.yaml", "mine.yaml"]
    assert (config.batch_size, config.steps, config.epochs, config.method.fields["momentum"], config.seed) == (64, 7, None, 0.98, 9)
    assert (config.data.train, config.data.monitor) == ("nih-chestxray14", "rsna-pneumonia")
    said = {
        "data.train": "nih-rsna-byol", "batch_size": "base.yaml", "method.momentum": "study.yaml", "method.name": "nih-rsna-byol",
        "monitors.knn.k": "mine.yaml", "steps": "mine.yaml", "seed": GIVEN, "encoder.width": GIVEN, "encoder.stem": "nih-rsna-byol",
    }  # fmt: skip
    assert {key: config.origins[key] for key in said} == said
    assert "epochs" not in config.origins
    assert "accumulate" not in config.origins  # a default
    assert "monitors.linear" not in " ".join(config.origins)


def test_what_compat_brings_and_what_has_another_name_is_told(here: Path) -> None:
    origins = load_pretrain("CIFAR10BYOL", {"compat": "innereye", "optimizer": {"lr": 0.5}})[0].origins
    assert (origins["optimizer.name"], origins["optimizer.lr"], origins["compat"]) == ("compat innereye", GIVEN, GIVEN)
    origins = load_pretrain("CIFAR10BYOL", {"method": "simclr"})[0].origins
    assert origins["method.name"] == GIVEN
    assert "method.momentum" not in origins
    write(here, head="extends: CXRImageClassifier\nencoder: resnet18\n")
    config = load_finetune("head.yaml", {"encoder": {"freeze": False}})
    assert (config.origins["balanced"], config.origins["encoder.name"], config.origins["encoder.freeze"]) == ("cxr-classifier", "head.yaml", GIVEN)
    assert verb_of("head.yaml") == "finetune"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"mine": "extends: mine.yaml\n"}, "mine.yaml extends mine.yaml: a circle. Take one `extends` out."),
        ({"mine": "extends: b.yaml\n", "b": "extends: c.yaml\n", "c": "extends: ./b.yaml\n"},
         "mine.yaml extends b.yaml extends c.yaml extends b.yaml: a circle"),
        ({"mine": "extends: nothing.yaml\n"}, "There is no recipe 'nothing.yaml', which mine.yaml extends."),
        ({"mine": "extends: nih-rsna-bylo\n"}, "which mine.yaml extends. Did you mean nih-rsna-byol"),
        ({"mine": "extends: cxr-classifier\n"}, "cxr-classifier, which mine.yaml extends is a recipe of another verb"),
        ({"mine": "extends: [a, b]\n"}, "extends is ['a', 'b'] in mine.yaml: it names one recipe"),
    ],
)
def test_what_cannot_be_extended(here: Path, files: dict[str, str], words: str) -> None:
    write(here, **files)
    with pytest.raises(UserError) as error:
        load_pretrain("mine.yaml")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_who_said_it_stands_behind_each_value(here: Path) -> None:
    write(here, mine="extends: cifar10-simclr\nbatch_size: 64\nmonitors: [knn, {name: linear, lr: 0.1}]\nplugins: []\n")
    config, _ = load_pretrain("mine.yaml", {"data": {"train": "a: 'b' # c\nd " + "word " * 40}, "optimizer": {"warmup": 0.5}})
    kept = config.model_dump(mode="json", exclude_none=True)
    run = Run.create("pretrain", "x", kept, here / "run", origins=config.origins)
    text = (here / "run" / "config.yaml").read_text()
    lines = {line.strip().partition(":")[0]: line for line in text.splitlines()}
    assert run.config() == kept == yaml12.read(here / "run" / "config.yaml")
    assert lines["batch_size"] == "batch_size: 64  # mine.yaml"
    assert lines["temperature"].endswith("# cifar10-simclr")
    assert lines["share"].endswith(f"# {GIVEN}")
    assert lines["lr"].endswith("# mine.yaml") or "lr: 0.1  # mine.yaml" in text
    assert "- name: knn  # mine.yaml" in text
    assert lines["accumulate"] == "accumulate: 1"
    again, _ = load_pretrain(str(here / "run" / "config.yaml"))
    assert again.model_dump(mode="json") == config.model_dump(mode="json")


def test_without_origins_a_configuration_is_as_it_was(here: Path) -> None:
    recipe: dict[str, Any] = tiny("x.npz")
    assert commented("a: 1\n", {}) == "a: 1\n"
    config, _ = load_pretrain(recipe)
    assert set(config.origins.values()) == {"the given mapping"}
