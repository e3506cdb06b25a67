"""Data sets of the user's own: what they may be, what is read of them, and that an item is asked for once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vesalius import registry
from vesalius.data import splits, store
from vesalius.data.dataset import pick_channels
from vesalius.data.own.items import pixels_of, taken_apart
from vesalius.data.own.opening import code_mark
from vesalius.data.references import resolve
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

CODE = '''
import os
import numpy as np
from PIL import Image
from torchvision.datasets import VisionDataset, ImageFolder

ASKED = []

class Pictures(VisionDataset):
    """As InnerEye's classes: root first, `train`, and items with their number."""
    classes = ["clear", "ill"]
    def __init__(self, root, train, transform=None):
        super().__init__(root, transform=transform)
        names = sorted(n for n in os.listdir(root) if n.endswith(".png"))
        self.names = names[:-4] if train else names[-4:]
        self.targets = [int(n[0] in "13579") for n in self.names]
        self.subjects = [n[:2] for n in self.names]
    def __len__(self): return len(self.names)
    def __getitem__(self, i):
        ASKED.append(self.names[i])
        return i, Image.open(os.path.join(self.root, self.names[i])), self.targets[i]

class Arrays:
    """No torch, no root in use, labels in the items alone."""
    def __init__(self, root="", n=6): self.n = n
    def __len__(self): return self.n
    def __getitem__(self, i):
        ASKED.append(i)
        if i == 3: raise OSError("/secret/place is gone")
        return np.full((8, 10), 20 * i, np.uint8), ("left" if i % 2 else "right")

class Alike(Arrays):
    def __getitem__(self, i): return np.zeros((8, 8, 3), np.uint8), 0

class Several(Arrays):
    targets = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]])
    classes = ["a", "b", "c"]
    def __getitem__(self, i): return np.zeros((8, 8), np.uint8)

class Needs(Arrays):
    def __init__(self, root, fold): pass

class Odd(Arrays):
    def __getitem__(self, i): return {"image": 1}

def parts(root): return {"training": Arrays(n=4), "test": Arrays(n=3)}
def files(root): return ImageFolder(root)
'''


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    code_mark.cache_clear()
    (tmp_path / "mine.py").write_text(CODE)
    for number in range(12):
        Image.fromarray(np.full((12, 10), 9 * number, np.uint8)).save(_folder(tmp_path / "data") / f"{number % 10}{number}.png")
    yield tmp_path
    code_mark.cache_clear()


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def asked() -> list[object]:
    found: list[object] = registry.import_attribute("mine.py:ASKED")
    return found


def whose(table: SampleTable) -> set[object]:
    assert table.subjects is not None
    return set(table.subjects)


def build(table: SampleTable, **rest: object) -> store.PixelStore:
    return store.build(table, StoreSettings(size=8, channels=1), max_bad_share=0.5, **rest)  # type: ignore[arg-type]


def test_a_vision_dataset_with_root_and_train(here: Path) -> None:
    table = resolve("mine.py:Pictures", root="data")
    assert [len(table.rows(part)) for part in ("train", "val", "test")] == [8, 0, 4]
    assert (table.source, table.private, table.split_by) == ("Pictures", True, "source")
    assert table.require_task().classes == ("clear", "ill")
    assert table.require_task().kind == "binary"
    names = sorted(p.name for p in (here / "data").iterdir())
    assert table.labels("class").tolist() == [float(n[0] in "13579") for n in names]
    assert len(whose(table)) == len({n[:2] for n in names})
    assert "00" not in whose(table)  # keyed hashes
    assert resolve("mine.py:Pictures@data").ids.tolist() == table.ids.tolist()
    assert splits.split(table, 0.25, 0.2).rows("test").tolist() == table.rows("test").tolist()
    assert pick_channels(table) == 1


def test_a_second_run_asks_for_nothing_and_a_changed_data_set_for_all(here: Path) -> None:
    built = build(resolve("mine.py:Pictures@data"))
    assert len(built) == 12
    values = sorted(int(built.array(i).max()) for i in range(12))
    assert values == [9 * n for n in range(12)]
    asked().clear()
    table = resolve("mine.py:Pictures@data")
    asked().clear()  # item 0 shows what an item is
    build(table)
    assert asked() == []
    Image.fromarray(np.full((12, 10), 250, np.uint8)).save(here / "data" / "00.png")
    table = resolve("mine.py:Pictures@data")
    asked().clear()
    again = build(table)
    assert set(asked()) == {p.name for p in (here / "data").iterdir()}
    assert max(int(again.array(i).max()) for i in range(12)) == 250
    (here / "mine.py").write_text(CODE + "\n# another transform\n")
    code_mark.cache_clear()
    table = resolve("mine.py:Pictures@data")
    asked().clear()
    build(table)
    assert len(set(asked())) == 12


def test_labels_of_items_are_read_once_and_a_bad_item_is_left_out_without_its_words(here: Path) -> None:
    table = resolve("mine.py:Arrays")
    assert table.require_task().classes == ("left", "right")
    assert np.isnan(table.labels("class")).tolist() == [False, False, False, True, False, False]
    built = build(table)
    ((_, reason),) = built.left_out
    assert reason == "Item 3 of Arrays raised OSError."
    assert len(built) == 5
    asked().clear()
    assert resolve("mine.py:Arrays").labels("class").tolist()[:3] == [1.0, 0.0, 1.0]
    assert len(asked()) <= 2


def test_files_that_are_told_give_ids_that_last(here: Path) -> None:
    for number in range(8):
        Image.fromarray(np.full((9, 9, 3), number, np.uint8)).save(_folder(_folder(here / "tree") / "ab"[number % 2]) / f"{number}.png")
    table = resolve("mine.py:files@tree")
    before = dict(zip(table.frame["uri"], table.ids.tolist(), strict=True))
    assert set(before) == {f"{'ab'[n % 2]}/{n}.png" for n in range(8)}
    assert table.require_task().classes == ("a", "b")
    build(table)
    Image.fromarray(np.full((9, 9, 3), 99, np.uint8)).save(here / "tree" / "a" / "00.png")
    table = resolve("mine.py:files@tree")
    after = dict(zip(table.frame["uri"], table.ids.tolist(), strict=True))
    assert before.items() <= after.items()
    assert table.locate([after["a/00.png"]]) == [os.path.join("tree", "a", "00.png") + "#0"]
    container = table.container
    states = dict(zip(table.frame["uri"], container.states(table.frame["uri"].tolist()), strict=True))  # type: ignore[union-attr]
    os.utime(here / "tree" / "b" / "1.png", (1, 1))
    changed = dict(zip(table.frame["uri"], container.states(table.frame["uri"].tolist()), strict=True))  # type: ignore[union-attr]
    assert [uri for uri in states if states[uri] != changed[uri]] == ["b/1.png"]
    assert len(whose(resolve("mine.py:files@tree", subject="([0-9])"))) == 8


def test_parts_labels_of_several_and_labels_that_say_nothing(here: Path) -> None:
    table = resolve("mine.py:parts")
    assert [len(table.rows(part)) for part in ("train", "test")] == [4, 3]
    several = resolve("mine.py:Several").require_task()
    assert (several.kind, several.classes) == ("multilabel", ("a", "b", "c"))
    alike = resolve("mine.py:Alike")
    assert alike.task is None
    assert any("taken as unlabelled" in warning for warning in alike.warnings)
    assert pick_channels(alike) == 3


@pytest.mark.parametrize(
    ("reference", "options", "words"),
    [
        ("mine.py:Needs", {"root": "x"}, "needs fold beside the data's root"),
        ("mine.py:Pictures", {"root": "nowhere"}, "FileNotFoundError"),
        ("mine.py:Odd", {}, "its item 0 is a dict. Return"),
        ("mine.py:Several", {"labels": "a"}, "knows its own labels"),
        ("mine.py:Arrays", {"subject": "(.)"}, "does not tell its files"),
    ],
)
def test_refusals(here: Path, reference: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(UserError) as error:
        resolve(reference, **options)  # type: ignore[arg-type]
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_items_of_every_form() -> None:
    import torch

    picture = Image.fromarray(np.zeros((4, 6), np.uint8))
    for item, labelled in ((picture, False), ((picture,), False), ((picture, 3), True), ((7, picture, 3), True), ([torch.zeros(3, 4, 6), "x"], True)):
        found = taken_apart(item)
        assert found is not None
        assert found.labelled is labelled
    assert taken_apart((1, 2)) is None
    assert pixels_of(picture).shape == (4, 6, 1)
    assert pixels_of(picture.convert("RGBA")).shape == (4, 6, 3)
    assert pixels_of(Image.fromarray(np.full((4, 6), 40000, np.uint16))).max() == 40000
    assert pixels_of(torch.zeros(3, 4, 6)).shape == (4, 6, 3)
    assert pixels_of(torch.zeros(1, 4, 4, dtype=torch.bfloat16)).dtype == np.float32
    assert pixels_of(np.zeros((4, 6, 3))).shape == (4, 6, 3)
    assert pixels_of(np.zeros((3, 4, 6))).shape == (4, 6, 3)
    assert pixels_of(np.zeros((4, 6))).shape == (4, 6, 1)


def test_items_are_asked_for_one_at_a_time_unless_the_class_allows_more(here: Path) -> None:
    code = """
import threading, time
import numpy as np
NOW, MOST, GATE = [0], [0], threading.Lock()
class Careful:
    def __init__(self, root=""): pass
    def __len__(self): return 64
    def __getitem__(self, i):
        with GATE: NOW[0] += 1; MOST[0] = max(MOST[0], NOW[0])
        time.sleep(0.004)
        with GATE: NOW[0] -= 1
        return np.full((600, 600, 3), i, np.uint8)
class Free(Careful):
    thread_safe = True
"""
    (here / "slow.py").write_text(code)
    most = registry.import_attribute("slow.py:MOST")
    build(resolve("slow.py:Careful"), threads=4)
    assert most == [1]
    build(resolve("slow.py:Free"), threads=4)
    assert most[0] > 1
    assert threading.active_count() < 50
