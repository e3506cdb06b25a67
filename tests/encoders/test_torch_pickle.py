"""Pickles that are not data are refused or come to nothing, and never run; what is data is read like torch reads it."""

from __future__ import annotations

import argparse
import collections
import functools
import io
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from vesalius.data.unpickle import Refused, interpret
from vesalius.encoders.torch_pickle import Held, Machine, Opaque


class Reduced:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def read(thing: Any, protocol: int = 2) -> Any:
    return interpret(pickle.dumps(thing, protocol=protocol), Machine())


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch ran",), "system"),
        (eval, ("__import__('os').system('touch ran')",), "eval"),
        (exec, ("open('ran', 'w')",), "exec"),
        (__import__, ("antigravity",), "__import__"),
        (open, ("ran", "w"), "open"),
        (subprocess.Popen, (["touch", "ran"],), "Popen"),
        (os.remove, ("kept",), "remove"),
    ],
)
def test_bombs_are_refused(
    function: Any, arguments: Any, named: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").touch()
    with pytest.raises(Refused, match=rf"asks for \S*{named}"):
        read({"state_dict": Reduced(function, *arguments)}, protocol)
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_code_of_other_packages_is_neither_imported_nor_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wicked.py").write_text("open('imported', 'w')\n\ndef run(*a):\n    open('ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    wicked = pickle.dumps(Reduced(torch.hub.load, "x", "y"), protocol=2)
    found = interpret(wicked.replace(b"torch.hub", b"wicked").replace(b"\nload\n", b"\nrun\n"), Machine())
    assert found == Opaque("wicked.run", ("x", "y"))
    assert [p.name for p in tmp_path.iterdir()] == ["wicked.py"]


@pytest.mark.parametrize("protocol", range(2, 6))
def test_settings_of_every_kind(protocol: int) -> None:
    given = {
        "args": argparse.Namespace(lr=0.1, out=Path("a")),
        "default": collections.defaultdict(list, {"a": [1]}),
        "ordered": collections.OrderedDict(b=1),
        "set": {1},
        "frozen": frozenset((2,)),
        "partial": functools.partial(int, base=2),
        "nested": {(1, "a"): {0: None}},
    }
    found = read(given, protocol)
    assert found["args"].state["lr"] == 0.1
    assert found["args"].state["out"].arguments == ("a",)
    assert found["default"].items == {"a": [1]}
    assert (found["ordered"], found["set"], found["frozen"]) == ({"b": 1}, [1], [2])
    assert found["partial"].name == "functools.partial"
    assert found["nested"] == {(1, "a"): {0: None}}


def test_classes_as_keys_become_text() -> None:
    assert read({argparse.Namespace: 1}) == {"argparse.Namespace": 1}


def pids(stored: tuple[Any, ...], shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    """A pickled tensor whose storage is the persistent id ``stored``."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return stored if obj == "here" else None

    buffer = io.BytesIO()
    tensor = Reduced(torch._utils._rebuild_tensor_v2, "here", offset, shape, stride, False, {})
    Pickler(buffer, protocol=2).dump(tensor)
    return buffer.getvalue()


def test_a_tensor_is_a_place() -> None:
    found = interpret(pids(("storage", torch.FloatStorage, "0", "cpu", 6), (2, 2), (3, 1), 1), Machine())
    assert isinstance(found, Held)
    assert (found.shape, found.stride, found.offset, found.dtype) == ((2, 2), (3, 1), 1, torch.float32)


@pytest.mark.parametrize(
    ("stored", "shape", "stride", "words"),
    [
        (("storage", torch.FloatStorage, "0", "cpu", 3), (2, 2), (2, 1), "larger than its storage"),
        (("storage", torch.FloatStorage, "0", "cpu", 3), (10**12,), (0,), "larger than its storage"),
        (("storage", torch.FloatStorage, "0", "cpu", -1), (1,), (1,), "no size"),
        (("storage", torch.FloatStorage, "0", "cpu", 4), (-2, 2), (2, 1), "impossible shape"),
        (("storage", torch.FloatStorage, "0", "cpu", 4), (2, 2), (1,), "impossible shape"),
        (("storage", dict, "0", "cpu", 4), (2, 2), (2, 1), "values of the type"),
        (("file", "/etc/passwd"), (2, 2), (2, 1), "no storage"),
    ],
)
def test_tensors_that_cannot_be(stored: Any, shape: Any, stride: Any, words: str) -> None:
    with pytest.raises(Refused, match=words):
        interpret(pids(stored, shape, stride), Machine())


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x02", b"\x80\x02]q\x00(K\x01", b"\x80\x02}(K\x01u.", b"\x80\x02K\x01K\x02."]
)
def test_damaged_pickles(data: bytes) -> None:
    with pytest.raises(Refused):
        interpret(data, Machine())
