"""Pickles of jax, Haiku and dill of several years are read as data; whatever would run is refused by its name."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.encoders.haiku_pickle import read_haiku
from vesalius.errors import UserError


class Called:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call

    def __call__(self) -> None:
        """So that a call of what was called can be pickled."""


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Names of packages that are not here, for pickling: ``foreign("jax._src.array", "_reconstruct_array")``."""

    def named(place: str, name: str, thing: Any = None) -> Any:
        parts = place.split(".")
        for i in range(len(parts)):
            parent = ".".join(parts[: i + 1])
            monkeypatch.setitem(sys.modules, parent, sys.modules.get(parent) or types.ModuleType(parent))
        if thing is None:
            thing = types.FunctionType((lambda: None).__code__, {}, name)
        thing.__module__, thing.__qualname__ = place, name
        monkeypatch.setattr(sys.modules[place], name, thing, raising=False)
        return thing

    return named


def read(path: Path, thing: Any, protocol: int = 2) -> Any:
    path.write_bytes(pickle.dumps({"held": thing}, protocol=protocol))
    return read_haiku(path)["held"]


ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("jax._src.array", "_reconstruct_array"),
        ("jax._src.device_array", "reconstruct_device_array"),
        ("jax.interpreters.xla", "reconstruct_device_array"),
        ("dill._dill", "_create_array"),
        ("dill.dill", "_create_array"),
    ],
)
def test_arrays_of_all_years(place: str, name: str, protocol: int, foreign: Any, tmp_path: Path) -> None:
    function, arguments, state = ARRAY.__reduce__()  # as jax and dill take it apart
    thing = Called(foreign(place, name), function, arguments, state, {"weak_type": False})
    np.testing.assert_array_equal(read(tmp_path / "a.pkl", thing, protocol), ARRAY)


@pytest.mark.parametrize(
    "module", ["numpy.core.multiarray", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath"]
)
def test_arrays_of_dill_before_0_3_6(module: str, foreign: Any, tmp_path: Path) -> None:
    """It asked for numpy's functions by functions of its own."""
    get, load = foreign("dill._dill", "_get_attr"), foreign("dill._dill", "_import_module")
    _, arguments, state = ARRAY.__reduce__()
    encode = Called(get, Called(load, "_codecs"), "encode")
    rebuilt = (*state[:4], Called(encode, state[4].decode("latin1"), "latin1"))
    made = Called(
        foreign("dill._dill", "_create_array"), Called(get, Called(load, module), "_reconstruct"), arguments, rebuilt
    )
    np.testing.assert_array_equal(read(tmp_path / "a.pkl", made), ARRAY)
    for wicked, named in (
        (Called(load, "os"), "os"),
        (Called(load, "os.system"), r"os\.system"),
        (Called(get, Called(load, module), "fromfile"), r"multiarray\.fromfile"),
        (Called(get, Called(load, "_codecs"), "open"), r"_codecs\.open"),
        (Called(get, {"a": 1}, "clear"), "clear of something that is no module"),
        (Called(get, "os", "system"), "system of something that is no module"),
    ):
        with pytest.raises(UserError, match=f"asks for .*{named}"):
            read(tmp_path / "a.pkl", wicked)


@pytest.mark.parametrize("name", ["FlatMapping", "FlatMap", "frozendict"])
def test_dictionaries_of_haiku(name: str, foreign: Any, tmp_path: Path) -> None:
    kind = foreign("haiku._src.data_structures", name)
    found = read(tmp_path / "a.pkl", Called(kind, {"a": Called(kind, {"w": ARRAY}), "b": OrderedDict(c=1)}))
    assert found["b"] == {"c": 1}
    np.testing.assert_array_equal(found["a"]["w"], ARRAY)


def test_named_tuples_by_dill_and_by_name(foreign: Any, tmp_path: Path) -> None:
    made = foreign("dill._dill", "_create_namedtuple")
    call = Called(Called(made, "State", ("a", "b"), "somewhere"), 1, 2)
    assert read(tmp_path / "a.pkl", call) == {"a": 1, "b": 2}
    fields = ("online_params", "target_params", "online_state", "target_state", "opt_state")
    kind = namedtuple("_ByolExperimentState", fields)
    kind = foreign("byol.byol_experiment", "_ByolExperimentState", kind)
    assert read(tmp_path / "a.pkl", kind(1, 2, 3, 4, 5)) == dict(zip(fields, range(1, 6)))
    state = foreign("optax._src.transform", "TraceState", namedtuple("TraceState", ("trace",)))
    assert read(tmp_path / "a.pkl", [state({"w": 1})]) == [({"w": 1},)]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (Called(os.system, "touch ran"), "system"),
        (Called(eval, "__import__('os').system('touch ran')"), "eval"),
        (Called(exec, "open('ran', 'w')"), "exec"),
        (Called(getattr, "a", "b"), "getattr"),
        (Called(subprocess.Popen, ["touch", "ran"]), "Popen"),
        (Called(__import__, "antigravity"), "__import__"),
        (Called(open, "ran", "w"), "open"),
        (Called(np.load, "a.npy"), "load"),
        (subprocess.run, "run"),
    ],
)
def test_bombs_are_refused(
    thing: Any, named: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"held": thing}, protocol=protocol))
    with pytest.raises(UserError, match=rf"a\.pkl was refused: it asks for \S*{named}"):
        read_haiku(tmp_path / "a.pkl")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pkl"]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("dill._dill", "_create_type"),
        ("dill._dill", "_create_function"),
        ("dill._dill", "_load_type"),
        ("jax._src.api", "jit"),
        ("haiku._src.module", "Module"),
        ("optax._src.base", "run"),
        ("byol.main_loop", "main"),
        ("evil", "TraceState"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ],
)
def test_of_those_packages_nothing_else(place: str, name: str, foreign: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"asks for {place}\.{name}"):
        read(tmp_path / "a.pkl", Called(foreign(place, name), 1))


def test_an_array_is_made_by_numpy_alone(foreign: Any, tmp_path: Path) -> None:
    made = foreign("jax._src.array", "_reconstruct_array")
    with pytest.raises(UserError, match="asks for"):
        read(tmp_path / "a.pkl", Called(made, os.system, ("touch ran",), (), {}))
    with pytest.raises(UserError, match="calls something that is no constructor"):
        read(tmp_path / "a.pkl", Called(made, "os.system", ("touch ran",), (), {}))
    tuples = foreign("dill._dill", "_create_namedtuple")
    with pytest.raises(UserError, match="fills a tuple of 2 fields with 1"):
        read(tmp_path / "a.pkl", Called(Called(tuples, "State", ("a", "b"), "somewhere"), 1))
    with pytest.raises(UserError, match="without names"):
        read(tmp_path / "a.pkl", Called(tuples, "State", (1, 2), "x"))
    with pytest.raises(UserError, match="something that is none"):
        read(tmp_path / "a.pkl", Called(foreign("haiku._src.data_structures", "FlatMapping"), [1]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cannot be read"),
        (b"\x80\x02}", "damaged"),
        (b"\x80\x02]q\x00.", "not the dictionary"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "damaged"),  # bytes of 8 exabytes
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\x00\x00\x00a.", "damaged"),  # a text of a terabyte
        (b"\x80\x02c__main__\nx\n.", "asks for __main__.x"),
        (b"(ios\nsystem\n.", "uses the instruction INST"),
        (b"(cos\nsystem\no.", "asks for os.system"),
        (b"\x80\x02\x82\x01.", "uses the instruction EXT1"),
        (b"Pabc\n.", "uses the instruction PERSID"),
        (b"\x80\x02K\x01Q.", "uses the instruction BINPERSID"),
        (b"\x80\x02chaiku._src.data_structures\nFlatMapping\n.", "holds no data"),
    ],
)
def test_damaged_and_odd_pickles(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(data)
    with pytest.raises(UserError, match=words):
        read_haiku(tmp_path / "a.pkl")


def test_large_values_are_kept_once_and_not_found_again(tmp_path: Path) -> None:
    large = np.arange(1 << 15, dtype=np.float32)
    for protocol in (2, 5):
        np.testing.assert_array_equal(read(tmp_path / "a.pkl", large, protocol), large)
    text = "a" * (1 << 17)
    with pytest.raises(UserError, match="a second time"):
        read(tmp_path / "a.pkl", [text, text])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_haiku(tmp_path / "none.pkl")
