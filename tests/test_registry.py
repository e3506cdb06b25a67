"""Names to code: listed without importing, a clash named, a user's file registered whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tests.reliability.processes import environment
from vesalius import registry
from vesalius.errors import UserError


def plugin(folder: Path, text: str, name: str = "mine.py") -> Path:
    (folder / name).write_text(text)
    return folder / name


GOOD = "VESALIUS = {'methods': ['my-method'], 'sources': ['my-source']}\nclass Config: pass\ndef build(encoder, config): pass\ndef index(root): pass\n"


@pytest.mark.parametrize("group", registry.GROUPS)
def test_every_entry_of_ours_is_there(group: str) -> None:
    for name in registry.names(group):
        module = registry.entry(group, name)
        assert (module.__doc__ or "").strip()
        assert all(hasattr(module, attribute) for attribute in registry._NEEDS[group]), name


def test_names_are_listed_without_importing(tmp_path: Path) -> None:
    code = "import sys; from vesalius import registry; [registry.names(g) for g in registry.GROUPS]; print('torch' in sys.modules, 'pandas' in sys.modules)"
    # the packages that hold the entries are imported to be found; what is heavy in them is not
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"


def test_an_unknown_name() -> None:
    with pytest.raises(UserError, match=r"Did you mean simclr\?"):
        registry.entry("methods", "SimCLR")
    with pytest.raises(UserError, match=r"no 'simclrr' among the methods. Did you mean simclr\? Known: byol, .*simclr, vicreg"):
        registry.entry("methods", "simclrr")


def test_a_plugin_is_registered(tmp_path: Path) -> None:
    file = plugin(tmp_path, GOOD)
    record = registry.load_plugin(file)
    assert record["path"] == "mine.py"
    assert len(record["sha256"]) == 64
    assert "my-method" in registry.names("methods")
    assert registry.entry("methods", "my-method") is registry.entry("sources", "my-source")
    registry.load_plugin(file)  # again is fine
    plugin(tmp_path, GOOD + "edited = True\n")
    assert registry.load_plugin(file) != record
    assert registry.entry("methods", "my-method").edited, "a file that was edited is imported anew"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "registers nothing"),
        ("VESALIUS = ['x']", "registers nothing"),
        ("VESALIUS = {'method': ['x']}", "'method', which is no group. Groups: methods"),
        ("VESALIUS = {'methods': ['x']}", "has no Config and no build"),
        (GOOD.replace("my-method", "byol"), "'byol' in methods is given by both vesalius.methods.byol and"),
        ("import nothing_of_that_name", "could not be imported at line 1: ModuleNotFoundError"),
        ("a = 1\nb = (", "could not be imported at line 2: SyntaxError"),
    ],
)
def test_a_plugin_that_cannot_be_used_leaves_nothing(tmp_path: Path, text: str, words: str) -> None:
    file = plugin(tmp_path, text)
    for _ in range(2):  # not half imported either
        with pytest.raises(UserError, match=words):
            registry.load_plugin(file)
    assert "x" not in registry.names("methods")
    assert registry._plugins == {}
    with pytest.raises(UserError, match=r"absent\.py is not a file"):
        registry.load_plugin(tmp_path / "absent.py")


def test_packages_bring_entries_and_clashes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("their-method", "json:JSONDecoder", "vesalius.methods")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "vesalius.methods" else [])
    registry.names.cache_clear()
    assert registry.names("methods")["their-method"] == "json:JSONDecoder"
    assert registry.entry("methods", "their-method").__name__ == "JSONDecoder"
    points.append(EntryPoint("byol", "other:byol", "vesalius.methods"))
    registry.names.cache_clear()
    with pytest.raises(UserError, match=r"'byol' in methods is given by both vesalius\.methods\.byol and other:byol"):
        registry.names("methods")


def test_an_attribute_of_a_file_or_module(tmp_path: Path) -> None:
    file = plugin(tmp_path, "answer = 42\n")
    assert registry.import_attribute(f"{file}:answer") == 42
    assert registry.import_attribute("math:pi") > 3
    with pytest.raises(UserError, match="has no 'question'"):
        registry.import_attribute(f"{file}:question")
    with pytest.raises(UserError, match="is not a file"):
        registry.import_attribute(f"{tmp_path / 'absent.py'}:x")


OBJECTS = """
class MySet:
    def __init__(self, root): self.root = root
    def __len__(self): return 3
    def __getitem__(self, i): return i
VESALIUS = {"sources": {"my-set": MySet}}
"""


def test_a_plugin_gives_objects_to_names(tmp_path: Path) -> None:
    registry.load_plugin(plugin(tmp_path, OBJECTS))
    assert registry.entry("sources", "my-set").__name__ == "MySet"
    registry.load_plugin(plugin(tmp_path, OBJECTS + "EDITED = 1\n"))  # an edited file takes its place
    for wrong in ("{'sources': {'x': 3}}", "{'operations': {'x': int}}", "{'methods': {'x': print}}"):
        with pytest.raises(UserError, match="registers x among"):
            registry.load_plugin(plugin(tmp_path, f"VESALIUS = {wrong}\n", "wrong.py"))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with entry points, laid down as an installer does."""
    about = tmp_path / "their_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[vesalius.sources]\ntheir-set = their_package:MySet\ntheir-module = their_package\nbroken = their_package:Nothing\n"
    )
    (tmp_path / "their_package.py").write_text(OBJECTS.replace("VESALIUS", "_") + "TASKS = {}\ndef index(root): return root\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry.names.cache_clear()
    return tmp_path


def test_an_installed_package_brings_sources(installed: Path) -> None:
    assert registry.names("sources")["their-set"] == "their_package:MySet"
    assert registry.entry("sources", "their-set")(4).root == 4
    assert registry.entry("sources", "their-module").index(5) == 5
    with pytest.raises(UserError, match=r"'broken' in sources is given by a package as their_package:Nothing, which could not be imported"):
        registry.entry("sources", "broken")
