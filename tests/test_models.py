"""``vesalius models``: what there is, and how a published file becomes an encoder that has a name everywhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from vesalius import load_encoder, prepare_model, registry
from vesalius.cli import main
from vesalius.encoders import build_encoder, save_encoder, weights_hash
from vesalius.encoders.loading import encoder_folder
from vesalius.encoders.published import IMAGENET
from vesalius.errors import UserError
from vesalius.files import checksum
from vesalius.models import models_list, models_show
from vesalius.recipes.finetune_loading import load_finetune

OPTIONS = {"stem": "standard", "width": 0.0625}
FAMILY = '''
"""Two checkpoints that are quick to read."""
from vesalius.encoders.picking import picked
from vesalius.encoders.published import Published

def model(name, **more):
    return Published(name=name, architecture="resnet18", options={options}, url="{address}/" + name + ".pth", file=name + "-published.pth",
                     licence="CC0", trained_on="nothing much", size=(32, 32), aliases=(name + "-too",), **more)

MODELS = {{name: model(name) for name in ("tiny-one", "tiny-two")}}

def tensors(path, model):
    return picked(path, model, nest="state_dict", prefix="module.", drop=("fc.",))

VESALIUS = {{"zoo": ["tiny"]}}
'''


class Handler(BaseHTTPRequestHandler):
    content = b""
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.asked, Handler.content = [], published(tmp_path / "source.pth").read_bytes()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def family(address: str, tmp_path: Path) -> Path:
    (tmp_path / "family.py").write_text(FAMILY.format(options=OPTIONS, address=address))
    return tmp_path / "family.py"


SOURCE = build_encoder("resnet18", size=(32, 32), seed=5, **OPTIONS)


def published(place: Path) -> Path:
    torch.save({"state_dict": {f"module.{k}": v for k, v in SOURCE.network.state_dict().items()} | {"module.fc.weight": torch.rand(3, 32)}}, place)
    return place


def test_downloaded_once_and_then_a_name(family: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder,) = prepare_model("tiny-one", plugins=[str(family)])
    said = capsys.readouterr().err
    assert "tiny-one: resnet18, nothing much. Licence: CC0." in said
    assert said.index("Licence: CC0.") < said.index("fetching")
    assert folder == tmp_path / "cache" / "models" / "tiny-one"
    assert sorted(p.name for p in folder.iterdir()) == ["encoder.json", "encoder.safetensors"]
    downloads = tmp_path / "cache" / "models" / ".downloads"
    assert [p.name for p in downloads.iterdir() if not p.name.endswith(".lock")] == ["tiny-one-published.pth.sha256"]
    assert prepare_model("tiny-one", plugins=[str(family)]) == [folder]
    assert "prepared already" in capsys.readouterr().err
    assert Handler.asked == ["/tiny-one.pth"]
    registry._plugins.clear()  # the name stays when the plugin is gone
    registry.names.cache_clear()
    for encoder in (load_encoder("tiny-one"), build_encoder("resnet18", size=(48, 48), weights="tiny-one")):
        assert weights_hash(encoder) == weights_hash(SOURCE)
        assert (encoder.card.mean, encoder.card.std) == IMAGENET
    models_show("tiny-one")
    models_list()
    said = capsys.readouterr().out
    assert "network\tresnet18 stem=standard width=0.0625\ntrained on\tnothing much\nlicence\tCC0\n" in said
    assert "tiny-one\tresnet18\tnothing much\tCC0\t32\t\tyes, by a plugin\n" in said
    assert encoder_folder("tiny-one") is None
    assert not load_encoder("tiny-one").training


def test_a_later_download_is_held_to_the_first(family: Path, tmp_path: Path) -> None:
    (folder,) = prepare_model("tiny-two", plugins=[str(family)])
    before = (folder / "encoder.json").read_bytes()
    (folder / "encoder.safetensors").unlink()
    Handler.content += b"changed"
    with pytest.raises(UserError, match="not the file that was expected: its sha256 is"):
        prepare_model("tiny-two", plugins=[str(family)])
    assert (folder / "encoder.json").read_bytes() == before


def test_a_page_of_a_store_is_no_file(family: Path, tmp_path: Path) -> None:
    Handler.content = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body></body></html>"
    with pytest.raises(UserError, match=r"answered with a web page \(Google Drive - Virus scan warning\).*the same command with --file FILE"):
        prepare_model("tiny-one", plugins=[str(family)])
    assert not list((tmp_path / "cache" / "models" / ".downloads").glob("tiny*"))


def test_what_torch_downloaded_itself_is_not_downloaded_again(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    kept = tmp_path / "torch" / "hub" / "checkpoints" / "tiny-one-published.pth"
    kept.parent.mkdir(parents=True)
    digest = checksum(published(kept))
    text = FAMILY.format(options=OPTIONS, address=address).replace("model(name)", f"model(name, sha256={digest[:8]!r})")
    (tmp_path / "family.py").write_text(text)
    (folder,) = prepare_model("tiny-one", plugins=[str(tmp_path / "family.py")])
    assert Handler.asked == []
    assert kept.is_file()
    assert f"(as published), SHA-256 {digest}" in load_encoder(folder).card.notes[-1]


def test_a_download_that_does_not_fit_stays(family: Path, tmp_path: Path) -> None:
    """So that a later version may read it, and with the way to have it fetched again."""
    torch.save({"state_dict": {"module.conv1.weight": torch.rand(2)}}, tmp_path / "other.pth")
    Handler.content = (tmp_path / "other.pth").read_bytes()
    for _ in range(2):
        with pytest.raises(UserError, match=r"does not fit its network.* The download stays at .*tiny-one-published.pth: delete it, and .*sha256"):
            prepare_model("tiny-one", plugins=[str(family)])
    assert Handler.asked == ["/tiny-one.pth"]


def test_a_file_the_user_has_and_another_place(family: Path, tmp_path: Path) -> None:
    (folder,) = prepare_model("tiny-one-too", file=published(tmp_path / "renamed.bin"), out=tmp_path / "out", plugins=[str(family)])
    assert folder == tmp_path / "out" / "tiny-one"
    assert Handler.asked == []
    card = json.loads((folder / "encoder.json").read_text())
    assert card["notes"][-1].startswith("verified against: renamed.bin, SHA-256 ")
    assert str(tmp_path) not in json.dumps(card)
    assert weights_hash(load_encoder(folder)) == weights_hash(SOURCE)
    with pytest.raises(UserError, match=r"tiny-one is a model of the zoo that is not prepared here yet. Run `vesalius models prepare tiny-one`"):
        load_encoder("tiny-one")


def test_all_goes_on_past_what_fails(family: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius.encoders import published as zoo

    registry.load_plugin(family)
    mine = {name: found for name, found in zoo.models().items() if name.startswith("tiny")}
    monkeypatch.setattr("vesalius.models.models", lambda: mine)
    (tmp_path / "files").mkdir()
    published(tmp_path / "files" / "tiny-two-published.pth")
    with pytest.raises(UserError, match=r"1 of 2 models were not prepared: tiny-one. The reason stands above"):
        prepare_model("all", file=tmp_path / "files")
    assert "tiny-one: not prepared. " in capsys.readouterr().err
    assert load_encoder("tiny-two").card.licence == "CC0"
    with pytest.raises(UserError, match="one file, and all models were asked for"):
        prepare_model("all", file=tmp_path / "files" / "tiny-two-published.pth")
    assert len(prepare_model("all")) == 2


def test_the_table(family: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models_list(plugins=[str(family)])
    rows = {row.split("\t")[0]: row.split("\t") for row in capsys.readouterr().out.splitlines()}
    assert rows["name"] == ["name", "network", "trained on", "licence", "pixels", "download", "prepared"]
    assert rows["tiny-one"] == ["tiny-one", "resnet18", "nothing much", "CC0", "32", "", "no"]
    assert rows["mimic-cxr_d121_lr_1e-4"][1:2] + rows["mimic-cxr_d121_lr_1e-4"][4:5] == ["densenet121", "320"]
    names = "pirl moco-v2 simclr-v1 byol swav supervised_r50 supervised_r18 supervised_d121 mimic-chexpert_lr_0.01 mimic-chexpert_lr_0.1"
    assert {*names.split(), "mimic-chexpert_lr_1.0", "mimic-cxr_r18_lr_1e-4"} <= rows.keys()


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


def test_from_the_command_line(family: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("models", "prepare", "tiny-two", "--plugins", family, "--file", published(tmp_path / "t.pth")) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "cache" / "models" / "tiny-two")
    assert command("models", "show", "tiny-two", "--plugins", family) == 0
    shown = capsys.readouterr().out
    assert "verified against\tt.pth, SHA-256" in shown
    assert "prepared\tyes" in shown
    assert command("models", "show", "moco-v3") == 2
    assert "Did you mean moco-v2" in capsys.readouterr().err
    assert command("models", "show", "mimic-chexpert_lr_0.1") == 0
    shown = capsys.readouterr().out
    assert "verified against\tsynthetic file" in shown
    assert "transductive on CheXpert" in shown
    assert command("models", "list") == 0
    assert "random_r50" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "near"), [("moco_v2", "moco-v2"), ("swaav", "swav"), ("random_r51", "random_r50"), ("supervised_50", "supervised_r50")])
def test_near_names(given: str, near: str) -> None:
    with pytest.raises(UserError, match=f"There is no encoder '{given}'.* Did you mean .*{near}.*vesalius models list"):
        load_encoder(given)


@pytest.mark.parametrize(
    ("name", "architecture", "options", "size"),
    [
        ("random_r18", "resnet18", {"stem": "standard"}, (224, 224)),
        ("random_mimic-cxr_r18_lr_1e-4", "resnet18", {"stem": "standard"}, (320, 320)),
        ("random_timm:resnet10t", "timm:resnet10t", {}, (224, 224)),
    ],
)
def test_random_names(name: str, architecture: str, options: dict[str, str], size: tuple[int, ...]) -> None:
    encoder = load_encoder(name)
    assert (encoder.card.architecture, dict(encoder.card.options), encoder.card.size) == (architecture, options, size)
    assert encoder.card.trained_on == "random initialisation"
    assert encoder.card.mean
    assert not encoder.training


def test_random_weights_are_of_a_seed() -> None:
    small = {"size": (32, 32), "width": 0.0625}
    assert weights_hash(load_encoder("random_r18", **small)) == weights_hash(load_encoder("random_r18", seed=0, **small))
    assert weights_hash(load_encoder("random_r18", **small)) != weights_hash(load_encoder("random_r18", seed=1, **small))
    with pytest.raises(UserError, match="random_r18 is a network with random weights, which are nothing to start from"):
        build_encoder("resnet18", weights="random_r18")


def test_the_originals_file_is_known_by_its_name(tmp_path: Path) -> None:
    """``models/NAME.pth`` says nothing of preprocessing; its name does."""
    full = build_encoder("resnet18", size=(320, 320), stem="standard", seed=3)
    (tmp_path / "models").mkdir()
    torch.save(full.network.state_dict(), tmp_path / "models" / "mimic-cxr_r18_lr_1e-4.pth")
    encoder = load_encoder(tmp_path / "models" / "mimic-cxr_r18_lr_1e-4.pth")
    assert weights_hash(encoder) == weights_hash(full)
    assert (encoder.card.mean, encoder.card.std, encoder.card.size) == ((0.502,) * 3, (0.085585,) * 3, (320, 320))
    torch.save(full.network.state_dict(), tmp_path / "another.pth")
    assert load_encoder(tmp_path / "another.pth").card.mean == ()


def test_a_folder_of_the_users_goes_before_the_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_encoder(SOURCE, tmp_path / "swav")
    assert weights_hash(load_encoder("swav")) == weights_hash(SOURCE)


@pytest.mark.parametrize("name", ["moco-v2", "supervised", "random_r50", "mimic-chexpert_lr_0.1"])
def test_finetuning_takes_a_name_for_weights(name: str) -> None:
    config = load_finetune("classifier", {"encoder": name, "data": {"train": "images"}})
    assert (config.encoder.name, config.encoder.weights) == (None, name)
    with pytest.raises(UserError, match=r"no network 'moco-v3'. Did you mean moco-v2"):
        load_finetune("classifier", {"encoder": "moco-v3", "data": {"train": "images"}})


def test_near_names_are_those_of_plugins_too(family: Path, tmp_path: Path) -> None:
    prepare_model("tiny-one", file=published(tmp_path / "t.pth"), plugins=[str(family)])
    registry._plugins.clear()
    registry.names.cache_clear()
    with pytest.raises(UserError, match="Did you mean tiny-one"):
        load_encoder("tiny_one")
    started = build_encoder("resnet18", channels=1, size=(16, 16), weights="tiny-one")
    assert dict(started.card.options) == OPTIONS, "the stem is the weights'"
    assert started.card.trained_on == "started from tiny-one"
