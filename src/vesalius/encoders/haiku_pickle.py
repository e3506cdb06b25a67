"""A pickle of jax, Haiku and dill read as data: dictionaries, named tuples and numpy arrays, no name in it imported.

Haiku's immutable dictionaries become dictionaries, a named tuple a dictionary of its fields, jax's arrays the numpy arrays that
they are pickled as. What else belongs to plain data is in ``data.unpickle``; any other name in the file is refused.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from vesalius.data import unpickle
from vesalius.data.unpickle import Refused, interpret
from vesalius.errors import UserError

_STATE_FIELDS = ("online_params", "target_params", "online_state", "target_state", "opt_state")
_STATE = re.compile(r"(__main__|byol(\.\w+)*)\._ByolExperimentState")
"""BYOL's named tuple where it was pickled by its name alone, as pickle does; dill writes the fields down."""
_OPTIMIZERS = re.compile(r"(optax|byol)(\.\w+)*\.\w*State")
_MODULES = frozenset(
    ["_codecs", *(f"numpy.{core}.{part}" for core in ("core", "_core") for part in ("multiarray", "_multiarray_umath"))]
)
"""Out of which dill before 0.3.6 took numpy's constructors, by its own functions."""
_LARGE = 1 << 16


@dataclass(frozen=True)
class _Function:
    """A function of the file, imitated below."""

    name: str


@dataclass(frozen=True)
class _NamedTuple:
    """A class of named tuples; without ``fields`` its objects are plain tuples."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Module:
    """One of ``_MODULES``: a name, and nothing behind it."""

    name: str


class _SetAside:
    """Stands in the memo for the bytes of an array and the tuple around them, which nothing refers to again: half the memory."""


class Machine(unpickle.Machine):
    """The data of one pickle of jax, Haiku and dill."""

    def named(self, name: str) -> Any:
        """A function imitated here, a named tuple, or plain data. Raises Refused."""
        if name in _FUNCTIONS:
            return _Function(name)
        if _STATE.fullmatch(name):
            return _NamedTuple(_STATE_FIELDS)
        return _NamedTuple() if _OPTIMIZERS.fullmatch(name) else super().named(name)

    def call(self, function: Any, arguments: Any) -> Any:
        """What ``function`` would have made, as plain data."""
        if not isinstance(function, _Function | _NamedTuple):
            return super().call(function, arguments)
        if not isinstance(arguments, tuple):
            raise Refused("calls something with no list of arguments")
        if isinstance(function, _Function):
            return _FUNCTIONS[function.name](self, *arguments)
        if not function.fields:
            return arguments
        if len(function.fields) != len(arguments):
            raise Refused(f"fills a tuple of {len(function.fields)} fields with {len(arguments)} values")
        return dict(zip(function.fields, arguments))

    def step(self, name: str, argument: Any) -> None:
        """Objects made of a class and its arguments; large values are not kept twice."""
        if name == "NEWOBJ":
            arguments, kind = self.stack.pop(), self.stack.pop()
            self.stack.append(self.call(kind, arguments))
            return
        top = self.stack[-1] if self.stack else None
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE") and _is_large(top):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = _SetAside
            return
        super().step(name, argument)
        if self.stack and self.stack[-1] is _SetAside:
            raise Refused("refers to the bytes of an array a second time")

    def finished(self) -> Any:
        """What the pickle came to."""
        value = super().finished()
        if isinstance(value, _Function | _NamedTuple | _Module):
            raise Refused("holds no data")
        return value


def _is_large(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(part, str | bytes | bytearray) and len(part) > _LARGE for part in parts)


def read_haiku(path: Path) -> Mapping[str, Any]:
    """The dictionary that ``path`` holds. Raises UserError, naming what was found, for any file that is not plain data."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            found = interpret(
                cast("BinaryIO", mapped), Machine()
            )  # a map reads no further than the file, whatever sizes it names
    except Refused as error:
        raise UserError(
            f"{path.name} was refused: it {error}. A pickle can run any code, so only what jax, Haiku and dill write for arrays, dictionaries and "
            "named tuples is read, and nothing is imported. Get the file from its publisher again."
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {error}. Get the file again.") from None
    if not isinstance(found, dict):
        raise UserError(
            f"{path.name} holds a {type(found).__name__}, not the dictionary of a checkpoint. Get the published file."
        )
    return found


def _array(machine: Machine, function: Any, arguments: Any, state: Any, *_: Any) -> Any:
    """An array by numpy's constructor and state: jax's arrays of all years, and dill's way with numpy's."""
    machine.stack.append(machine.call(function, arguments))
    machine.build(state)
    return machine.stack.pop()


def _dictionary(_: Machine, mapping: Any) -> Any:
    if type(mapping) is not dict:
        raise Refused("fills a dictionary of Haiku with something that is none")
    return mapping


def _named_tuple(_: Machine, name: Any, fields: Any, *_module: Any) -> _NamedTuple:
    if not isinstance(fields, list | tuple) or any(type(field) is not str for field in fields):
        raise Refused(f"makes a named tuple {name!r} without names")
    return _NamedTuple(tuple(fields))


def _module(_: Machine, name: Any, *_safe: Any) -> _Module:
    if name not in _MODULES:
        raise Refused(f"asks for {name}")
    return _Module(name)


def _attribute(machine: Machine, module: Any, name: Any) -> Any:
    if not isinstance(module, _Module):
        raise Refused(f"asks for {name} of something that is no module of numpy")
    return machine.named(f"{module.name.replace('_multiarray_umath', 'multiarray')}.{name}")


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "jax._src.array._reconstruct_array": _array,
    "jax._src.device_array.reconstruct_device_array": _array,
    "jax.interpreters.xla.reconstruct_device_array": _array,
}
for _kind in ("FlatMapping", "FlatMap", "frozendict"):
    _FUNCTIONS[f"haiku._src.data_structures.{_kind}"] = _dictionary
for _dill in ("dill._dill", "dill.dill"):
    _FUNCTIONS |= {f"{_dill}._create_array": _array, f"{_dill}._create_namedtuple": _named_tuple}
    _FUNCTIONS |= {f"{_dill}._import_module": _module, f"{_dill}._get_attr": _attribute}
