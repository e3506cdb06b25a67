"""From recipe and changes to a checked configuration: what is laid over what, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recipes.tiny import tiny
from vesalius import registry
from vesalius.errors import UserError
from vesalius.recipes import yaml12
from vesalius.recipes.arguments import from_pairs, pairs
from vesalius.recipes.checking import check
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.layers import raw
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.merging import merge
from vesalius.recipes.shipped import aliases, names


def loaded(*tokens: str, base: Any = None) -> PretrainConfig:
    """What the command line would make of ``tokens``."""
    changes, _ = from_pairs(pairs(tokens))
    return load_pretrain(base if base is not None else tiny("x.npz"), changes)[0]


def refused(*tokens: str, base: Any = None) -> str:
    with pytest.raises(UserError) as error:
        loaded(*tokens, base=base)
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith((".", "?"))
    return text


def monitor(config: PretrainConfig, name: str) -> dict[str, Any]:
    (found,) = [m for m in config.monitors if m.name == name]
    return {**found.fields, **({"every": found.every} if found.every else {})}


# ---- unknown names, at every level


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("--epoch", "no field 'epoch' in the recipe. Did you mean epochs?"),
        ("--data.trian", "no field 'data.trian' in the recipe. Did you mean data.train?"),
        ("--data.split.tset", "no field 'data.split.tset' in the recipe. Did you mean data.split.test?"),
        ("--optimizer.wieght_decay", "no field 'optimizer.wieght_decay' in the recipe. Did you mean optimizer.weight_decay?"),
        ("--optimizer.schedule.finall", "no field 'optimizer.schedule.finall' in the recipe. Did you mean optimizer.schedule.final?"),
        ("--validate_every.minutes", "no field 'validate_every.minutes' in the recipe. Known here: epochs, steps."),
        ("--method.temprature", "no field 'temprature' in method simclr. Did you mean temperature?"),
        ("--encoder.widht", "no option 'widht'. Did you mean 'width'?"),
        ("--encoder.seed", "no option 'seed'."),
        ("--monitors.linear.balance", "no field 'balance' in monitor linear. Did you mean balanced?"),
        ("--monitors.knn.evry", "no field 'evry' in monitor knn. Did you mean every?"),
        ("--monitors.linear.interval", "no field 'interval' in monitor linear."),
        ("--monitors.lineer.lr", "no 'lineer' among the monitors. Did you mean linear?"),
        ("--monitors.knn.every.epoch", "no field 'monitors.1.every.epoch' in the recipe. Did you mean epochs?"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(token: str, words: str) -> None:
    assert words in refused(token, "3")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["--method", "simclrr"], "no 'simclrr' among the methods. Did you mean simclr?"),
        (["--encoder.name", "resnet19"], "no network 'resnet19'. Did you mean resnet18"),
        (["--optimizer.name", "adamm"], "optimizer.name is 'adamm': it should be 'sgd', 'adam', 'adamw' or 'lars'."),
        (["--optimizer.lr", "fast"], "optimizer.lr is 'fast': it should be a valid number"),
        (["--compat", "innereyes"], "compat is 'innereyes'; known: none, innereye, monai-tutorial."),
        (["--steps", "2", "--epochs", "3"], "give exactly one of epochs and steps"),
        (["--steps", "-2"], "steps is -2: it should be greater than 0."),
        (["--threads", "0"], "threads is 0"),
        (["--data", "5"], "data is 5: it should be"),
        (["--monitors", "3"], "monitors is 3"),
        (["--monitors.linear", "3"], "monitors.linear is 3; give its fields"),
        (["--optimizer.warmup.epochs", "1", "--optimizer.warmup.steps", "3"], "give exactly one of steps, epochs, share."),
        (["stray"], "'stray' is not understood here"),
        (["--", "x"], "'--' is not understood here"),
        (["--steps=[1"], "--steps is not valid YAML"),
        (["--seed", "3", "--seed.x", "4"], "--seed.x sets a field of seed, which was given as 3 before."),
    ],
)
def test_values_that_cannot_be_used(tokens: list[str], words: str) -> None:
    assert words in refused(*tokens)


def test_a_path_without_its_field(tmp_path: Path) -> None:
    assert f"If these are the images: --data.train {tmp_path}." in refused(str(tmp_path))


def test_one_near_name_of_a_recipe_and_not_all(tmp_path: Path) -> None:
    assert "pneumonia" not in refused(base="cifar10-simclar")
    assert "Did you mean cifar10-simclr" in refused(base="cifar10-simclar")
    assert "There are chexpert-simclr, " in refused(base="wrong")


def test_nothing_for_a_field_without_default() -> None:
    base = tiny("x")
    del base["data"]["train"]
    assert "says nothing for 'data.train', which has no default: give it with --data.train." in refused(base=base)


def test_an_unknown_recipe_is_named_with_the_nearest() -> None:
    assert "Did you mean cifar10-simclr" in refused(base="cifar10-simclrr")
    assert "could not be read: No such file" in refused(base="missing.yaml")


# ---- what is typed


def test_the_ways_to_write_a_field() -> None:
    config = loaded("--batch-size=32", "--method.temperature", "0.5", "--data.download", "--optimizer.lr=1e-2")
    assert (config.batch_size, config.method.fields["temperature"], config.data.download, config.optimizer.lr) == (32, 0.5, True, 0.01)


@pytest.mark.parametrize(
    ("word", "value"),
    [("yes", True), ("no", False), ("1", True), ("0", False), ("True", True), ("False", False), ("on", True), ("OFF", False), ("true", True)],
)
def test_booleans_as_people_type_them(word: str, value: bool) -> None:
    config = loaded("--debug", word, "--data.drop-last", word, "--monitors.linear.balanced", word)
    assert (config.debug, config.data.drop_last) == (value, value)
    module = registry.entry("monitors", "linear")
    assert check(module.Config, monitor(config, "linear")).balanced is value


@pytest.mark.parametrize("folder", ["2024", "010", "1e3", "null2", "no", "true", "a: b", "[x]", "*star", "{a}", "#x"])
def test_a_field_of_text_keeps_the_text(folder: str) -> None:
    assert loaded(f"--data.train={folder}").data.train == folder
    assert loaded("--ssl_training_dataset_name", folder).data.train == folder


def test_text_can_be_taken_back() -> None:
    assert loaded("--data.monitor", "null", "--data.labels", "[a, b]").data.monitor is None
    assert loaded("--data.labels", "[a, b]").data.labels == ["a", "b"]
    assert loaded("--data.labels", "7").data.labels == "7"


def test_paths_of_python_are_text(tmp_path: Path) -> None:
    changes, _ = from_pairs({"data": {"train": tmp_path / "a"}, "data.monitor": tmp_path / "b"}.items())
    config = load_pretrain(tiny("x"), changes)[0]
    assert (config.data.train, config.data.monitor) == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_what_the_caller_gave_is_not_changed() -> None:
    given: dict[str, Any] = {"optimizer": {"warmup": {"steps": 3}}}
    changes, _ = from_pairs([*given.items(), ("optimizer.warmup.steps", 5)])
    base = tiny("x")
    before = repr(base)
    assert load_pretrain(base, changes)[0].optimizer.warmup.steps == 5
    assert given == {"optimizer": {"warmup": {"steps": 3}}}
    assert repr(base) == before


# ---- what is laid over what


def test_a_new_name_drops_the_old_fields() -> None:
    assert loaded("--method.name", "byol").method.fields == {}
    assert loaded("--method", "byol", "--method.momentum", "0.9").method.fields == {"momentum": 0.9}
    assert loaded("--method.momentum", "0.9", "--method", "byol").method.fields == {"momentum": 0.9}
    assert loaded("--method.name", "simclr", "--method.dim", "4").method.fields == {"hidden": 16, "dim": 4}
    assert loaded("--encoder", "resnet50").encoder.fields == {}
    assert loaded("--optimizer.name", "lars").optimizer.lr == "auto"


def test_one_length_replaces_the_other() -> None:
    assert (loaded("--epochs", "3").steps, loaded("--epochs", "3").epochs) == (None, 3)
    assert loaded("--validate_every.steps", "3").validate_every.epochs is None
    assert loaded("--optimizer.warmup.epochs", "2", base="cifar10-simclr").optimizer.warmup.share is None
    base = tiny("x", optimizer={"warmup": {"steps": 4}})
    assert loaded("--optimizer.warmup.share", "0.1", base=base).optimizer.warmup.model_dump(exclude_none=True) == {"share": 0.1}


def test_extends(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("extends: cifar10-simclr\nmethod: byol\nmonitors: [knn]\nsteps: 5\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\nmethod: {momentum: 0.9}\nmonitors: {knn: {k: 3}}\n")
    config = loaded(base=str(tmp_path / "mine.yaml"))
    assert (config.method.name, config.method.fields) == ("byol", {"momentum": 0.9})
    assert (config.steps, config.epochs, config.batch_size) == (5, None, 512)
    assert [m.name for m in config.monitors] == ["knn"]
    assert monitor(config, "knn") == {"k": 3}
    assert loaded(base={"extends": "CIFAR10BYOL", "seed": 4}).method.name == "byol"


def test_a_circle_of_extends_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    assert "a circle" in refused(base=str(tmp_path / "a.yaml"))


# ---- monitors


def test_a_monitor_is_changed_by_name() -> None:
    config = loaded("--monitors.linear.lr", "0.1", "--monitors.knn.every.steps", "2")
    assert [m.name for m in config.monitors] == ["linear", "knn", "spread"]
    assert monitor(config, "linear") == {"lr": 0.1}
    assert monitor(config, "knn")["every"].steps == 2
    listed = tiny("x", monitors=["knn", {"name": "linear", "balanced": True}])
    config = loaded("--monitors.linear.lr", "0.1", base=listed)
    assert [m.name for m in config.monitors] == ["knn", "linear"]
    assert monitor(config, "linear") == {"balanced": True, "lr": 0.1}


def test_a_monitor_that_was_not_listed_is_added_and_a_list_replaces() -> None:
    config = loaded("--monitors.spread.at_most", "50", base=tiny("x", monitors=["knn"]))
    assert [m.name for m in config.monitors] == ["knn", "spread"]
    assert [m.name for m in loaded("--monitors", "[spread]").monitors] == ["spread"]
    base = tiny("x", monitors={"linear": {"lr": 0.2}})
    assert monitor(loaded("--monitors.linear.batch", "8", base=base), "linear") == {"lr": 0.2, "batch": 8}


def test_merging_keeps_what_is_not_mentioned() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}}) == {"a": {"b": 5, "c": 2}, "d": 3}
    assert merge({"a": {"b": 1}}, {"a": 4}) == {"a": 4}


# ---- compat


def test_compat_lies_under_what_was_said_with_it() -> None:
    config = loaded("--compat", "innereye", "--monitors.linear.lr", "0.5", "--optimizer.clip", "2", base="cifar10-simclr")
    assert (config.optimizer.name, config.optimizer.lr, config.optimizer.clip) == ("adam", 1e-4, 2)
    assert (config.encoder.fields["stem"], config.method.fields["temperature"]) == ("innereye", 0.1)
    assert (monitor(config, "linear")["lr"], monitor(config, "linear")["dropout"]) == (0.5, 0.2)
    assert [m.name for m in config.monitors] == ["linear", "knn", "spread"]


@pytest.mark.parametrize("tokens", [[], ["--compat", "innereye", "--optimizer.lr", "0.7"], ["--epochs", "2", "--monitors.knn.k", "3"]])
def test_a_resolved_configuration_is_loaded_as_it_is(tokens: list[str]) -> None:
    config = loaded(*tokens, base="cifar10-byol")
    again, _ = load_pretrain(config.model_dump(mode="json", exclude_none=True))
    assert again.model_dump(mode="json") == config.model_dump(mode="json")


# ---- aliases


@pytest.mark.parametrize("name", sorted(aliases()["fields"]))
def test_every_alias_names_a_field(name: str) -> None:
    """Each is set to a value of its kind, and the field it stands for has it."""
    special = {
        "ssl_training_dataset_name": "CIFAR10", "linear_head_dataset_name": "CIFAR100", "ssl_encoder": "resnet50",
        "ssl_training_type": "BYOL", "local_dataset": "/d", "extra_local_dataset_paths": "/a,/b", "use_mixed_precision": "True",
        "ssl_training_batch_size": "2", "ssl_augmentation_config": "radiograph", "linear_head_augmentation_config": "radiograph",
    }  # fmt: skip
    value = special.get(name, "1")
    config = loaded(f"--{name}", value, base={k: v for k, v in tiny("x").items() if k not in ("steps",)} | {"epochs": 3})
    *folders, last = aliases()["fields"][name]["to"].split(".")
    found: Any = config.model_dump()
    for folder in folders:
        found = next(e for e in found if e["name"] == folder) if isinstance(found, list) else found[folder]
    expected = {
        "ssl_training_dataset_name": "cifar10", "linear_head_dataset_name": "cifar100", "ssl_training_type": "byol",
        "extra_local_dataset_paths": "/a", "use_mixed_precision": "auto",
        "ssl_training_batch_size": 2,
    }.get(name, value if name in special else 1)  # fmt: skip
    assert found[last] == expected or (expected == 1 and bool(found[last]) is True)


def test_arguments_without_meaning_are_accepted_and_said() -> None:
    for name, sentence in aliases()["without_meaning"].items():
        changes, said = from_pairs(pairs([f"--{name}", "4"]))
        assert (changes, said) == ({}, [sentence])


def test_arguments_that_are_refused_say_what_to_give_instead() -> None:
    for name, instead in aliases()["refused"].items():
        with pytest.raises(UserError, match="is the original's; here"):
            from_pairs(pairs([f"--{name}", "4"]))
        assert not instead.endswith(".")


def test_aliases_are_no_fields_and_clash_with_none() -> None:
    assert not {*aliases()["fields"], *aliases()["without_meaning"], *aliases()["refused"]} & set(PretrainConfig.model_fields)
    assert set(aliases()["recipes"].values()) <= set(names())


@pytest.mark.parametrize("name", [*names(), *aliases()["recipes"]])
def test_every_shipped_recipe_is_a_configuration(name: str) -> None:
    config, _ = load_pretrain(name)
    assert raw(name)["data"]["train"] == config.data.train


# ---- plugins

METHOD = """
from pydantic import BaseModel
from vesalius.methods.simclr import SimCLR, Config as Base
VESALIUS = {"methods": ["mine"]}
class Config(Base):
    strength: float = 2.0
class Mine(SimCLR):
    pass
def build(encoder, config):
    return Mine(encoder, config)
"""
MONITOR = """
from pydantic import BaseModel
from vesalius.training.monitor import Finding, Interval
VESALIUS = {"monitors": ["counting"]}
class Config(BaseModel, extra="forbid"):
    interval: Interval = Interval(epochs=1)
    start: int = 0
class Counting:
    metric, higher_is_better = "looks", True
    def __init__(self, config, name): self.config, self.name, self.looks = config, name, config.start
    def __call__(self, features, method, at):
        self.looks += len(features("val").vectors)
        return Finding({"looks": float(self.looks)}, {"looks": True})
    def state_dict(self): return {}
    def load_state_dict(self, state): pass
def build(config, name, task, seed): return Counting(config, name)
"""


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "method.py").write_text(METHOD)
    (tmp_path / "monitor.py").write_text(MONITOR)
    return {name: str(tmp_path / f"{name}.py") for name in ("method", "monitor")}


def test_a_method_and_a_monitor_of_the_users_own(plugins: dict[str, str]) -> None:
    tokens = ["--plugins", f"[{plugins['method']}, {plugins['monitor']}]", "--method", "mine", "--method.strength", "3", "--monitors.counting.start", "5"]
    config = loaded(*tokens)
    assert (config.method.name, config.method.fields) == ("mine", {"strength": 3})
    assert monitor(config, "counting") == {"start": 5}
    assert "no field 'strenth' in method mine. Did you mean strength?" in refused(*tokens, "--method.strenth", "3")
    assert "no field 'strat' in monitor counting. Did you mean start?" in refused(*tokens, "--monitors.counting.strat", "3")


def test_one_plugin_may_be_given_without_brackets(plugins: dict[str, str]) -> None:
    assert loaded("--plugins", plugins["method"], "--method", "mine").plugins == [plugins["method"]]


def test_a_configuration_survives_its_own_yaml(tmp_path: Path) -> None:
    from vesalius.runs import Run

    odd = {"data.train": "0o17", "data.monitor": "1e3", "name": "010", "data.root": "no", "data.subject": "2024-01-01"}
    changes, _ = from_pairs(odd.items())
    config = load_pretrain(tiny("x"), changes)[0]
    run = Run.create("pretrain", "x", config.model_dump(mode="json", exclude_none=True), tmp_path / "run")
    for reference in (str(tmp_path / "run" / "config.yaml"), run.config()):
        assert load_pretrain(reference)[0].model_dump(mode="json") == config.model_dump(mode="json")
    assert yaml12.read(tmp_path / "run" / "config.yaml") == run.config()


def test_a_queue_that_cannot_hold_a_step_is_refused_before_anything_is_decoded() -> None:
    with pytest.raises(UserError, match=r"method\.queue is 64, but one step makes 256 keys"):
        load_pretrain("cifar10-moco", {"method": {"queue": 64}, "batch_size": 128, "accumulate": 2})
    assert load_pretrain("cifar10-moco", {"method": {"queue": 256}, "batch_size": 128, "accumulate": 2})[0].batch_size == 128
