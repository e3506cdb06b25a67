from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.sources.native import fashion, npz
from vesalius import registry
from vesalius.data import references
from vesalius.data.references import parse, resolve, sources
from vesalius.data.table import SampleTable
from vesalius.errors import UserError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_DATA", str(tmp_path / "data"))
    return tmp_path


def test_every_source_is_complete() -> None:
    for name in registry.names("sources"):
        module = registry.entry("sources", name)
        assert callable(module.index), name
        assert (module.__doc__ or "").count("icence"), f"{name} says nothing of its licence"
        assert isinstance(module.TASKS, dict), name
        if hasattr(module, "download"):
            assert callable(module.present), name


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("cifar10", ("cifar10", None, None)),
        ("cifar100:coarse", ("cifar100", None, "coarse")),
        ("cifar10@some/where", ("cifar10", "some/where", None)),
        ("cifar100@some/where:coarse", ("cifar100", "some/where", "coarse")),
        ("medmnist@a.npz", ("medmnist", "a.npz", None)),
        ("medmnist@/d@e/f g:pneumoniamnist_64", ("medmnist", "/d@e/f g", "pneumoniamnist_64")),
        ("medmnist@C:/data:pathmnist", ("medmnist", "C:/data", "pathmnist")),
        ("chestx", ("nih-chestxray14", None, "single7")),
        ("chestx@/d:fourteen", ("nih-chestxray14", "/d", "fourteen")),
        ("NIH_ChestXray14@/d", ("nih-chestxray14", "/d", None)),
        (".", ("folder", ".", None)),
        ("there.csv", ("table", "there.csv", None)),
        ("there.npz", ("medmnist", "there.npz", None)),
    ],
)
def test_parse(here: Path, reference: str, expected: tuple[str, str | None, str | None]) -> None:
    (here / "there.csv").touch()
    (here / "there.npz").touch()
    found = parse(reference)
    assert (found.source, None if found.root is None else found.root.as_posix(), found.task) == expected


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("cifar1", "Did you mean cifar10"),
        ("chest_x@/d", "Did you mean chestx"),
        ("fashionmnist@x", "Did you mean fashion-mnist"),
        ("pictur.png", "Did you mean picture.png?"),
        ("picture.csv", "There is no file picture.csv. Did you mean picture.png?"),
        ("medmnist:mine2.npz", "There is no file medmnist:mine2.npz. Did you mean mine.npz?"),
        ("qqqq", "neither a source nor a folder or file that exists. Sources: "),
        ("folder", "neither a source"),
        ("table@x", "neither a source"),
        ("./images", "There is no folder ./images"),
        ("a/b", "There is no folder a/b"),
        ("./volume.nii.gz", "There is no file ./volume.nii.gz. Give a folder of images or volumes"),
        ("dicom", "Give its folder as dicom@FOLDER; ./dicom means the folder of that name here."),
        ("a.csv", "There is no file a.csv"),
        ("a.npz", "There is no file a.npz"),
        ("mine.py:Set", "There is no Python file mine.py"),
        ("picture.png", "is one file. Give a folder"),
    ],
)
def test_what_is_nothing_is_explained(here: Path, reference: str, said: str) -> None:
    (here / "picture.png").touch()
    (here / "mine.npz").touch()
    (here / "dicom").mkdir()
    with pytest.raises(UserError) as error:
        resolve(reference)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_source_lies_under_vesalius_data(here: Path) -> None:
    fashion(here / "data" / "fashion-mnist")
    assert len(resolve("fashion-mnist")) == 8
    npz(here / "data" / "medmnist" / "pneumoniamnist.npz")
    assert len(resolve("medmnist:pneumoniamnist")) == 13
    with pytest.raises(UserError, match=r"are not at .*medmnist. Give their folder as medmnist@FOLDER"):
        resolve("medmnist:pathmnist")


def test_a_root_may_be_given_apart(here: Path) -> None:
    fashion(here / "elsewhere")
    assert len(resolve("fashion-mnist", root=here / "elsewhere")) == 8
    assert len(resolve("fashion-mnist", root="elsewhere", task="class")) == 8


def test_options_that_a_source_would_pass_over_are_refused(here: Path) -> None:
    fashion(here / "f")
    for option in ({"labels": ["x"]}, {"subject": "(x)"}, {"kind": "ordinal"}):
        with pytest.raises(UserError, match=f"does not take '{next(iter(option))}'"):
            resolve(f"fashion-mnist@{here / 'f'}", **option)  # type: ignore[arg-type]
    assert len(resolve(f"fashion-mnist@{here / 'f'}", labels=False)) == 8


def test_nothing_is_downloaded_unasked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = registry.entry("sources", "cifar10")
    calls: list[Path] = []
    monkeypatch.setattr(module, "download", lambda root, **rest: calls.append(root))
    with pytest.raises(UserError, match="allow the download"):
        resolve("cifar10")
    assert calls == []
    with pytest.raises(UserError, match="holds no data_batch_1"):
        resolve("cifar10", download=True)
    assert calls == [here / "data" / "cifar10"]


USERS = """
from vesalius.data.table import SampleTable

class Class:
    def index(self, root):
        return SampleTable.of("mine", root or "/", ["a", "b"])

def function():
    return SampleTable.of("mine", "/", ["a", "b", "c"])

def rooted(root):
    return SampleTable.of("mine", root, ["a", "b", "c", "d"])

def wrong():
    return [1, 2]

table = function()
"""


def test_a_users_file(here: Path) -> None:
    (here / "mine.py").write_text(USERS)
    assert len(resolve("mine.py:Class")) == 2
    assert resolve("mine.py:Class", root="/x").root == "/x"
    assert len(resolve(f"{here}/mine.py:function")) == 3
    assert resolve("mine.py:rooted", root="/x").root == "/x"
    assert len(resolve("mine.py:table")) == 3
    with pytest.raises(UserError, match="gave a list, not a SampleTable, and its item 0 is a int"):
        resolve("mine.py:wrong")
    with pytest.raises(UserError, match="has no 'nothing'"):
        resolve("mine.py:nothing")


def test_a_table_is_its_own_reference() -> None:
    table = SampleTable.of("mine", "/", ["a", "b"])
    assert resolve(table) is table


def test_the_names_of_sources() -> None:
    assert {"cifar10", "cifar100", "fashion-mnist", "medmnist"} <= set(sources())
    assert not {"folder", "table"} & set(sources())


def test_without_a_setting_data_lie_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path))
    assert references.data_folder() == tmp_path / "datasets"


PLUGIN = '''
"""Pictures in an installed package. Licence: MIT."""
from vesalius.data.table import SampleTable

VESALIUS = {"sources": ["built-in"]}
TASKS = {}
BUILT_IN = True


def index(root):
    assert root is None
    return SampleTable.of("built-in", "/package", ["a", "b"])
'''


def test_a_plugin_may_need_no_folder(here: Path) -> None:
    (here / "plugin.py").write_text(PLUGIN)
    registry.load_plugin(here / "plugin.py")
    assert len(resolve("built-in")) == 2
    assert "built-in" in sources()


def test_a_folder_by_another_name_of_a_source_is_found(here: Path) -> None:
    fashion(here / "data" / "Fashion_MNIST")
    assert len(resolve("fashion-mnist")) == len(resolve("fashion_mnist")) == 8
