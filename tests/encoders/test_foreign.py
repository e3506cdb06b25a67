"""From a file of others to an encoder: what is said, what is asked for, what is refused; by name and without one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.data.server import Served, serve
from vesalius.encoders import Encoder, build_encoder, load_encoder, save_encoder, weights_hash
from vesalius.errors import UserError


def network(**options: object) -> Encoder:
    return build_encoder("resnet18", **{"width": 0.125, "seed": 7, **options})


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A standard stem under a query encoder, the other encoder, a head and a queue beside it."""
    query = network(stem="standard").network.state_dict()
    other = network(stem="standard", seed=8).network.state_dict()
    heads = {"module.encoder_q.fc.weight": torch.rand(4, 64), "module.queue": torch.rand(4, 8)}
    tensors = {**prefixed("module.encoder_k.", other), **prefixed("module.encoder_q.", query), **heads}
    torch.save({"arch": "resnet18", "state_dict": tensors}, tmp_path / "moco.pth.tar")
    return tmp_path / "moco.pth.tar"


def refused(**given: object) -> str:
    with pytest.raises(UserError) as error:
        load_encoder(**given)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_it_says_what_was_recognised(checkpoint: Path) -> None:
    encoder = load_encoder(checkpoint, size=(32, 32))
    assert weights_hash(encoder) == weights_hash(network(stem="standard"))
    said = encoder.loaded.sentence()
    assert said.startswith(
        "120 of 120 tensors from moco.pth.tar (torch file under state_dict; MoCo, its query encoder: resnet18, "
    )
    assert "7×7 stem, width 0.125, 3 input channels" in said
    assert "left out module.encoder_k." in said
    assert "left out as it should be, the head: fc.weight, module.queue" in said
    assert "missing" not in said
    assert said.endswith("input not standardised: the file does not tell mean and deviation")
    assert said in encoder.card.notes
    assert encoder.card.trained_on == "started from moco.pth.tar"
    assert not encoder.training


def test_a_network_by_name_takes_from_the_file_what_is_not_said(checkpoint: Path) -> None:
    by_name = load_encoder("resnet18", weights=checkpoint)
    assert dict(by_name.card.options) == {"stem": "standard", "width": 0.125}
    assert weights_hash(by_name) == weights_hash(load_encoder(checkpoint))
    grey = load_encoder("resnet18", weights=checkpoint, channels=1)
    assert "adapted from 3 to 1 channels" in grey.loaded.sentence()


def test_another_stem_is_loud(checkpoint: Path) -> None:
    small = load_encoder("resnet18", weights=checkpoint, stem="small")
    assert "random because of another shape: conv1.weight (8, 3, 7, 7) for (8, 3, 3, 3)" in small.loaded.sentence()


def test_another_network_is_refused_with_what_the_file_is(checkpoint: Path) -> None:
    said = refused(reference="resnet50", weights=checkpoint)
    assert said.startswith("Only ")
    assert "moco.pth.tar (torch file under state_dict; MoCo, its query encoder: resnet18" in said


def test_too_few_tensors_unless_asked_for(tmp_path: Path) -> None:
    tensors = network().network.state_dict()
    cut = {name: tensor for name, tensor in tensors.items() if "layer4.1" not in name}
    torch.save(cut, tmp_path / "w.pth")
    assert "95% are asked for" in refused(reference="resnet18", weights=tmp_path / "w.pth", width=0.125)
    kept = load_encoder("resnet18", weights=tmp_path / "w.pth", width=0.125, min_match=0.9)
    assert all("layer4.1" in name for name in kept.loaded.missing)


def test_a_file_that_tells_no_network(tmp_path: Path) -> None:
    torch.save(
        {"state_dict": {"stem.0.weight": torch.rand(4, 3, 3, 3), "body.weight": torch.rand(4)}}, tmp_path / "x.pth"
    )
    said = refused(reference=tmp_path / "x.pth")
    assert "x.pth (torch file under state_dict) does not tell which network its 2 tensors belong to" in said
    assert "--encoder NAME --weights x.pth" in said


def test_a_file_for_a_network_of_timm_by_name(tmp_path: Path) -> None:
    import timm

    theirs = timm.create_model("mobilenetv3_small_050", num_classes=3)
    torch.save({"state_dict": prefixed("backbone.", dict(theirs.state_dict()))}, tmp_path / "m.ckpt")
    encoder = load_encoder("timm:mobilenetv3_small_050", weights=tmp_path / "m.ckpt", size=(64, 64))
    assert torch.equal(encoder.network.conv_stem.weight, theirs.conv_stem.weight)
    assert encoder.loaded.heads == ("classifier.weight", "classifier.bias")


def test_torchvisions_own_transformer_takes_its_own_names(tmp_path: Path) -> None:
    from torchvision import models

    with torch.device("meta"):
        shapes = models.vit_b_32(image_size=32).state_dict()
    tensors = {name: torch.zeros(tensor.shape) for name, tensor in shapes.items()}
    save_file(tensors, tmp_path / "v.safetensors")
    encoder = load_encoder("torchvision:vit_b_32", weights=tmp_path / "v.safetensors")
    assert encoder.loaded.missing == ()
    assert set(encoder.loaded.heads) == {"heads.head.weight", "heads.head.bias"}


def test_ours_beside_other_files(tmp_path: Path) -> None:
    save_encoder(network(), tmp_path)
    (tmp_path / "encoder.safetensors").rename(tmp_path / "mine.safetensors")
    (tmp_path / "encoder.json").rename(tmp_path / "mine.json")
    assert load_encoder(tmp_path / "mine.safetensors").loaded.layout == ""
    (tmp_path / "mine.json").write_text('{"settings": 1}')  # another file of the same name: the weights alone are read
    assert "plain names: resnet18" in load_encoder(tmp_path / "mine.safetensors").loaded.layout


def test_a_folder_of_innereye(tmp_path: Path) -> None:
    tensors = prefixed("encoder.cnn_model.", dict(network(stem="innereye").network.state_dict()))
    content = {"pytorch-lightning_version": "1.6.5", "hyper_parameters": {"ssl_type": "SimCLR"}, "state_dict": tensors}
    (tmp_path / "outputs" / "checkpoints").mkdir(parents=True)
    torch.save(content, tmp_path / "outputs" / "checkpoints" / "last.ckpt")
    encoder = load_encoder(tmp_path)
    assert encoder.card.options["stem"] == "innereye"
    assert isinstance(encoder.network.maxpool, torch.nn.MaxPool2d)


def test_weights_of_weights(checkpoint: Path) -> None:
    assert "Name a network first" in refused(reference=checkpoint, weights="timm:resnet18")


@pytest.fixture
def server(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    with serve(checkpoint.parent) as served:
        yield served


def test_an_address_with_its_checksum(checkpoint: Path, server: Served) -> None:
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    address = f"{server.url}moco.pth.tar#sha256={digest}"
    expected = weights_hash(load_encoder(checkpoint))
    assert weights_hash(load_encoder(address)) == expected
    asked = len(server.asked)
    assert weights_hash(load_encoder("resnet18", weights=address)) == expected
    assert len(server.asked) == asked  # it lies in the cache
    assert load_encoder(address).loaded.source == "moco.pth.tar"


def test_an_address_that_gives_another_file(server: Served) -> None:
    assert "is not the file that was expected" in refused(reference=f"{server.url}moco.pth.tar#sha256={'0' * 64}")
    assert "Write the file's SHA-256 behind the address" in refused(reference=f"{server.url}moco.pth.tar")


def test_no_network_says_where_to_put_the_file(
    checkpoint: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vesalius.files.downloads as downloads

    monkeypatch.setattr(downloads.time, "sleep", lambda seconds: None)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    address = f"http://127.0.0.1:9/moco.pth.tar#sha256={digest}"
    said = refused(reference=address)
    place = Path(said.rpartition("put it at ")[2].rstrip("."))
    assert place.name == "moco.pth.tar"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(checkpoint.read_bytes())
    assert load_encoder(address).loaded.missing == ()


def test_how_images_were_standardised_can_be_said(checkpoint: Path) -> None:
    given = load_encoder(checkpoint, mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.2))
    assert given.card.mean == (0.4, 0.5, 0.6)
    assert "standardised" not in given.loaded.sentence()
