"""Every row of docs/checkpoints.md: the file as its project writes it, recognised, and its features are the project's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from tests.encoders.layouts.files_of_others import ROWS
from tests.encoders.layouts.volumes_of_others import VOLUMES
from vesalius.encoders import load_encoder

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checkpoints.md"


@pytest.mark.parametrize("row", [*ROWS, *VOLUMES])
def test_a_row_of_the_table(row: str, tmp_path: Path) -> None:
    other = {**ROWS, **VOLUMES}[row](tmp_path)
    channels, *size = other.shape
    encoder = load_encoder(other.path, size=tuple(size))
    assert encoder.card.architecture == other.name
    assert encoder.card.channels == channels
    assert other.options.items() <= dict(encoder.card.options).items()
    assert other.words in encoder.loaded.layout
    assert encoder.loaded.missing == ()
    assert bool(encoder.loaded.heads) is other.head
    x = torch.rand(2, *other.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        theirs, ours = other.forward(x), encoder(x).pooled
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))
    assert float(theirs.std()) > 0


def test_the_table_holds_every_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [*ROWS, *VOLUMES]


def test_a_checkpoint_of_a_real_trainer(tmp_path: Path) -> None:
    """Lightning's own: hyper-parameters, loops, callbacks and optimizers as the installed version writes them."""
    import argparse

    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import ModelCheckpoint
    from torchvision.models import resnet18

    class Learner(pl.LightningModule):
        def __init__(self, settings: argparse.Namespace, where: Path) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.backbone = torch.nn.Sequential(*list(resnet18().children())[:-1])
            self.projection_head = torch.nn.Linear(512, 4)

        def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
            loss = self.projection_head(self.backbone(batch[0]).flatten(1)).square().mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> object:
            optimizer = torch.optim.Adam(self.parameters())
            return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)]

    module = Learner(argparse.Namespace(lr=0.1, size=[32, 32]), tmp_path)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(4, 3, 32, 32)), batch_size=4)
    keep = ModelCheckpoint(tmp_path, monitor="loss", save_last=True)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    pl.Trainer(max_epochs=1, accelerator="cpu", callbacks=[keep], default_root_dir=tmp_path, **quiet).fit(module, data)
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(tmp_path / "last.ckpt", weights_only=True)
    encoder = load_encoder(tmp_path / "last.ckpt", size=(32, 32))
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x).pooled, module.backbone.eval()(x).flatten(1))
    assert "Lightning checkpoint under state_dict; lightly, its backbone: resnet18" in encoder.loaded.layout
    assert encoder.loaded.heads == ("projection_head.weight", "projection_head.bias")
