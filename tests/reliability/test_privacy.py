"""The canary: a name in folders, file names, columns and tags must be in nothing that is written unasked.

Asked for by name are: `data show --out`, `data locate` and `embed --out`, each in the place the user named, and
`config.yaml`, which keeps the references as they were typed so that the run can be made again (docs/decisions/0011).
DICOM has more places for a name: see test_dicom_privacy.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.recipes.tiny import tiny
from tests.reliability.canary import CANARY, leaks
from vesalius.cli import main

RNG = np.random.default_rng(0)


def pixels(kind: int) -> np.ndarray:
    image = RNG.integers(0, 80, (24, 24), dtype=np.uint8)
    image[4 + 8 * kind : 10 + 8 * kind, 4:20] += 120
    return image


def write_png(path: Path, kind: int) -> None:
    words = PngInfo()
    words.add_text("Patient", CANARY)
    words.add_itxt("Comment", CANARY)
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = CANARY, CANARY  # ImageDescription, Artist
    Image.fromarray(pixels(kind)).save(path, pnginfo=words, exif=exif)


def make(folder: Path, kind: str) -> tuple[str, dict[str, object]]:
    """A data set that bears the canary wherever there is room, as a reference and further fields."""
    root = folder / f"ward {CANARY}"
    rows = []
    for number in range(48):
        place = root / ("sick" if number % 2 else "well") / f"{CANARY} {number // 2}"
        place.mkdir(parents=True, exist_ok=True)
        file = place / f"{CANARY}-{number}.png"
        write_png(file, number % 2)
        rows.append({"path": file.relative_to(root).as_posix(), "sick": number % 2, "patient_id": f"{CANARY} {number // 2}", "notes": CANARY, "age": number})
    (root / "well" / f"{CANARY} 0" / f"{CANARY}-broken.png").write_bytes(b"no image")
    if kind != "table":
        return str(root), {"subject": r"(Quillfeather \d+)/"}
    rows.append({**rows[0], "path": f"well/{CANARY} 0/{CANARY}-broken.png"})
    pd.DataFrame(rows).to_csv(root / f"{CANARY}.csv", index=False)
    return str(root / f"{CANARY}.csv"), {"labels": "sick"}


@pytest.mark.parametrize("kind", ["folder", "table"])
def test_a_name_is_in_nothing_that_was_not_asked_for(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reference, fields = make(tmp_path / "data", kind)
    here = tmp_path / "work"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("VESALIUS_RUNS", str(here / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(here / "cache"))
    recipe = tiny(reference, examine=True, steps=4, method={"name": "simclr", "hidden": 16, "dim": 8})
    recipe["data"] = {"train": reference, "monitor": reference, **fields}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))

    def run(*words: object, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said.err
        return said.out + (said.err if code else "")

    run("pretrain", tmp_path / "recipe.yaml", "--out", "run")
    assert leaks(here / "run") == ["config.yaml"], "as it was typed, and nowhere else"
    typed = (here / "run" / "config.yaml").read_text()
    assert [line for line in typed.splitlines() if CANARY in line] != []
    (here / "run" / "config.yaml").rename(tmp_path / "config.yaml")
    assert leaks(here) == []
    (tmp_path / "config.yaml").rename(here / "run" / "config.yaml")
    page = (here / "run" / "report.html").read_text()
    assert "simclr on " in page

    run("embed", "--encoder", "run", "--data", reference, *(["--labels", "sick"] if kind == "table" else []))
    run("report", "run", "latest", "--out", "both.html")
    run("data", "check", reference)
    run("data", "list")
    run("runs", "show", "run")
    run("recipes", "show", "plain", "--views", reference, "--out", "views.png")
    configs = {"run/config.yaml", *(str(p.relative_to(here)) for p in (here / "runs").glob("*/config.yaml"))}
    assert set(leaks(here)) == configs

    # refused work says ids to the log, names to the terminal alone
    said = run("pretrain", tmp_path / "recipe.yaml", "--out", "bad", "--data.max_bad_share", "0", code=4)
    assert "broken" in said
    assert not (here / "bad").exists()

    # what was asked for by name is there, in the place that was named
    run("embed", "--encoder", "run", "--data", reference, "--out", tmp_path / "asked" / "x.parquet")
    run("data", "show", reference, "--out", tmp_path / "asked" / "table.parquet")
    assert set(leaks(tmp_path / "asked")) >= {"x.parquet", "table.parquet"}
    assert set(leaks(here)) == configs | {str(p.relative_to(here)) for p in (here / "runs").glob("*/config.yaml")}
    sample = pd.read_parquet(tmp_path / "asked" / "x.parquet")["id"][0]
    assert CANARY in run("data", "locate", reference, sample)
