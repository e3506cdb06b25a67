"""InnerEye 27, 28, 31 to 34, 37 to 42: the original's arguments, each with what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.coverage.command_line import DEBUG, pretrain, vesalius


def _ten(photographs: Path, *words: str) -> tuple[str, ...]:
    return ("--local_dataset", str(photographs / "ten"), *DEBUG, *words)


def test_ssl_training_dataset_name(photographs: Path, tmp_path: Path) -> None:
    words = ("--ssl_training_dataset_name=CIFAR100", "--linear_head_dataset_name=CIFAR100")
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", "--local_dataset", str(photographs / "hundred"), *DEBUG, *words)
    assert done.config["data"]["train"] == "cifar100"
    assert "38 images from cifar100" in done.said


def test_linear_head_dataset_name(photographs: Path, tmp_path: Path) -> None:
    words = _ten(photographs, "--linear_head_dataset_name", "CIFAR100", "--extra-local-dataset-paths", str(photographs / "hundred"))
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *words)
    assert (done.config["data"]["train"], done.config["data"]["monitor"]) == ("cifar10", "cifar100")
    assert "watched on cifar100 (38 train, 2 val, 40 test)" in done.said


@pytest.mark.parametrize(("name", "dim"), [("resnet18", 64), ("resnet50", 256), ("resnet101", 256), ("densenet121", 128)])
def test_ssl_encoder(name: str, dim: int, photographs: Path, tmp_path: Path) -> None:
    import vesalius as package

    small = ("--encoder.width", "0.125", "--threads", "1", "--examine", "false")
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *_ten(photographs, "--ssl_encoder", name), tiny=small)
    assert done.config["encoder"]["name"] == name
    card = package.load_encoder(done.folder).card
    assert (card.architecture, card.dim) == (name, dim)


@pytest.mark.parametrize(("given", "method", "part"), [("SimCLR", "simclr", "nt_xent"), ("BYOL", "byol", "byol")])
def test_ssl_training_type(given: str, method: str, part: str, photographs: Path, tmp_path: Path) -> None:
    other = {"SimCLR": "CIFAR10BYOL", "BYOL": "CIFAR10SimCLR"}[given]
    done = pretrain(other, tmp_path / "run", *_ten(photographs, f"--ssl_training_type={given}"))
    assert done.config["method"]["name"] == method
    assert f"loss/{part}" in done.rows("train")[0]


def test_ssl_training_batch_size(photographs: Path, tmp_path: Path) -> None:
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *_ten(photographs, "--ssl_training_batch_size", "6"))
    assert done.config["batch_size"] == 6
    assert "steps of 6 samples (6 per process × 1 process(es))" in done.said


def test_linear_head_batch_size(photographs: Path, tmp_path: Path) -> None:
    one = pretrain("CIFAR10SimCLR", tmp_path / "one", *_ten(photographs, "--linear_head_batch_size=5"))
    assert one.monitor("linear")["batch"] == 5
    many = pretrain("CIFAR10SimCLR", tmp_path / "many", *_ten(photographs, "--linear_head_batch_size=26"))
    # six steps of the head in the one pass of the epoch, against one
    assert one.rows("monitor")[-1]["monitor/linear/train_loss"] != many.rows("monitor")[-1]["monitor/linear/train_loss"]


@pytest.mark.parametrize(("word", "value"), [("True", True), ("no", False), ("1", True)])
def test_use_balanced_binary_loss_for_linear_head(word: str, value: bool, photographs: Path, tmp_path: Path) -> None:
    words = _ten(photographs, "--use_balanced_binary_loss_for_linear_head", word, "--linear_head_batch_size=4")
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *words)
    assert done.monitor("linear")["balanced"] in (value, word.lower(), int(value))
    plain = pretrain("CIFAR10SimCLR", tmp_path / "plain", *_ten(photographs, "--linear_head_batch_size=4"))
    losses = [d.rows("monitor")[-1]["monitor/linear/train_loss"] for d in (done, plain)]
    assert (losses[0] != losses[1]) is value


def test_random_seed(photographs: Path, tmp_path: Path) -> None:
    losses = []
    for i, seed in enumerate(("3", "3", "4")):
        done = pretrain("CIFAR10SimCLR", tmp_path / str(i), *_ten(photographs, "--random_seed", seed))
        assert done.config["seed"] == int(seed)
        losses.append(done.rows("train")[0]["loss"])
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("argument", ["--num_epochs", "--max_epochs"])
def test_num_epochs(argument: str, photographs: Path, tmp_path: Path) -> None:
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *_ten(photographs), argument, "2")
    assert done.config["epochs"] == 2
    assert [row["epoch"] for row in done.rows("train")] == [1, 2]


def test_local_dataset(photographs: Path, tmp_path: Path) -> None:
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", f"--local-dataset={photographs / 'ten'}", *DEBUG)
    assert done.config["data"]["root"] == str(photographs / "ten")
    assert "26 images from cifar10" in done.said


@pytest.mark.parametrize(("words", "steps"), [((), 6), (("--is_debug_model",), 1), (("--is_debug_model", "yes"), 1)])
def test_is_debug_model(words: tuple[str, ...], steps: int, photographs: Path, tmp_path: Path) -> None:
    length = ("--num_epochs", "1", "--ssl_training_batch_size", "4")
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", "--local_dataset", str(photographs / "ten"), *length, *words)
    assert done.config["debug"] is bool(words)
    assert len(done.rows("train")) == steps


@pytest.mark.parametrize(("word", "kept", "steps"), [("True", True, 2), ("False", False, 3), ("0", False, 3)])
def test_drop_last(word: str, kept: bool, steps: int, photographs: Path, tmp_path: Path) -> None:
    words = ("--num_epochs", "1", "--ssl_training_batch_size", "10", "--drop_last", word)
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", "--local_dataset", str(photographs / "ten"), *words)
    assert done.config["data"]["drop_last"] is kept
    assert len(done.rows("train")) == steps


def test_arguments_that_the_documents_do_not_list(photographs: Path, tmp_path: Path) -> None:
    words = (
        "--l_rate=0.5", "--learning_rate_linear_head_during_ssl_training", "0.25", "--use_mixed_precision=False",
        "--num_workers=6", "--max-num-gpus", "2", "--pl_deterministic",
    )  # fmt: skip
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *_ten(photographs, *words))
    assert done.config["optimizer"]["lr"] == 0.5
    assert done.monitor("linear")["lr"] == 0.25
    assert done.config["precision"] == "fp32"
    assert done.config["deterministic"] is True
    said = " ".join(done.said.split())
    assert "num_workers has no meaning here" in said
    assert "max_num_gpus has no meaning here" in said
    assert "num_workers" not in done.config
    refused = vesalius("pretrain", "CIFAR10SimCLR", "--is_debug_model=perhaps")
    assert refused.code == 2
    assert "debug" in refused.said
