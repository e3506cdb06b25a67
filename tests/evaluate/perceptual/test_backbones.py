from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torchvision

from tests.evaluate.perceptual.random_networks import TRUE
from vesalius.errors import UserError
from vesalius.evaluate.perceptual import backbones
from vesalius.terminal import Terminal

QUIET = Terminal(quiet=True)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, torch's and ours."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def server(networks: dict[str, Path]) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = partial(Quiet, directory=str(networks["vgg"].parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()


def test_they_are_torchvisions_files() -> None:
    weights = torchvision.models
    enums = {"alexnet": weights.AlexNet_Weights, "vgg": weights.VGG16_Weights, "squeezenet": weights.SqueezeNet1_1_Weights}
    for name, backbone in TRUE.items():
        assert backbone.address == enums[name].IMAGENET1K_V1.url
        assert backbone.file == backbone.address.rpartition("/")[2]
        assert backbone.file.endswith(f"-{backbone.sha256}.pth")


def test_without_them_one_paragraph_names_the_files_where_they_go_and_their_digests(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "BACKBONES", TRUE)
    with pytest.raises(UserError) as refused:
        backbones.found((), False, QUIET)
    said = str(refused.value)
    assert "\n" not in said
    for file, digest in (("alexnet-owt-7be5be79.pth", "7be5be79"), ("vgg16-397923af.pth", "397923af"), ("squeezenet1_1-b8a52dc0.pth", "b8a52dc0")):
        assert f"{file} (SHA-256 {digest}...)" in said
    assert str(nowhere / "torch" / "hub" / "checkpoints") in said
    assert "--download" in said
    assert "--backbones" in said


def test_torchs_cache_a_folder_and_files_of_any_name(networks: dict[str, Path], nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = networks["vgg"].parent
    assert backbones.found([str(folder)], False, QUIET) == networks
    renamed = nowhere / "v.pth"
    shutil.copy(networks["vgg"], renamed)
    given = [str(renamed), str(networks["alexnet"]), str(networks["squeezenet"])]
    assert backbones.found(given, False, QUIET) == {**networks, "vgg": renamed}
    monkeypatch.setenv("TORCH_HOME", str(folder.parents[1]))
    assert backbones.found((), False, QUIET) == networks


def test_what_is_missing_is_named_alone(networks: dict[str, Path], nowhere: Path) -> None:
    with pytest.raises(UserError, match=r"not there: vgg16-397923af.pth \(SHA-256 \w{8}\.\.\.\)\. Put"):
        backbones.found([str(networks["alexnet"]), str(networks["squeezenet"])], False, QUIET)


def test_another_file_is_refused_whatever_its_name(networks: dict[str, Path], nowhere: Path) -> None:
    false = nowhere / networks["squeezenet"].name
    false.write_bytes(networks["squeezenet"].read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match="is none of the three networks"):
        backbones.found([str(false)], False, QUIET)
    for name in ("alexnet", "vgg"):
        (nowhere / networks[name].name).symlink_to(networks[name])
    with pytest.raises(UserError, match="is not the file that its name says"):
        backbones.found([str(nowhere)], False, QUIET)
    with pytest.raises(UserError, match="There is no file or folder"):
        backbones.found([str(nowhere / "nets")], False, QUIET)


def test_they_are_downloaded_when_asked_for_and_then_found(
    networks: dict[str, Path], server: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {name: dataclasses.replace(one, address=f"{server}/{one.file}") for name, one in backbones.BACKBONES.items()}
    monkeypatch.setattr(backbones, "BACKBONES", here)
    with pytest.raises(UserError, match="not there"):
        backbones.found((), False, QUIET)
    fetched = backbones.found((), True, QUIET)
    assert all(file.is_relative_to(nowhere / "cache") and file.read_bytes() == networks[name].read_bytes() for name, file in fetched.items())
    assert backbones.found((), False, QUIET) == fetched
    wrong = {name: dataclasses.replace(one, sha256="0" * 8) for name, one in here.items()}
    monkeypatch.setattr(backbones, "BACKBONES", wrong)
    with pytest.raises(UserError, match="is not the file that was expected"):
        backbones.found((), True, QUIET)
