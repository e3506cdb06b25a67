"""The page about real images says what the run found, and no more."""

import json
from pathlib import Path

from docs import real_images


def run(folder: Path, shift: float) -> Path:
    rows = []
    for encoder, base in (("pretrained", 0.7), ("random init", 0.6), ("pixel PCA", 0.7 + shift), ("mean and deviation", 0.2)):
        for fraction, labels in ((0.01, 540), (0.1, 5400), (1.0, 54000)):
            value = base + 0.05 * (labels > 540) + 0.05 * (labels > 5400)
            row = {"encoder": encoder, "fraction": fraction, "labels": labels, "metric": "accuracy"}
            rows.append({**row, "value": value, "low": value - 0.02, "high": value + 0.02})
    rows.append({**rows[0], "metric": "balanced_accuracy", "value": 0.0})
    counts = {split: {"images": n} for split, n in (("train", 54000), ("val", 6000), ("test", 10000))}
    results = {
        "label_efficiency": rows,
        "data": {"train": {"images": 54000}, "monitor": {"counts": counts}},
        "cost": {"epochs": 2.0, "seconds": 480.0, "device": "cpu", "threads": 2, "precision": "fp32"},
    }
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "config.yaml").write_text("method: {name: simclr}\nencoder: {name: resnet18, width: 0.25}\nbatch_size: 256\n")
    return folder


def test_the_page_holds_numbers_sentences_and_command(tmp_path: Path) -> None:
    found, results, config = real_images.read(run(tmp_path / "run", 0.01))
    text = real_images.page(found, results, config)
    assert "vesalius pretrain fashion-mnist-simclr --out runs/fashion-mnist" in text
    assert "| 1 % (540) | 70.0 % (68.0 to 72.0) | 60.0 % (58.0 to 62.0) | 71.0 % (69.0 to 73.0) |" in text
    assert "beats random initialisation at 1 %, 10 % and 100 % of the labels, with intervals apart." in text
    assert "is below pixel PCA at 1 %, 10 % and 100 %, with intervals that overlap." in text
    real_images.draw(found, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_a_loss_is_called_one(tmp_path: Path) -> None:
    found, _, _ = real_images.read(run(tmp_path / "run", 0.2))
    assert set(real_images.compare(found, "pixel PCA").values()) == {"loses"}
    assert "loses to pixel PCA" in real_images.sentences(found)[1]


def test_a_finished_run_is_not_made_again(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", 0)
    assert real_images.made(folder) == folder
