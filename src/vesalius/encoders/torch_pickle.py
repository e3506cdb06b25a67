"""The pickle inside a torch checkpoint, read as data: tensors as places in the file, unknown classes as their name.

Lightning and training scripts put more than tensors into a checkpoint: hyper-parameters, Namespaces, optimizers, states
of callbacks, whole modules. ``Machine`` reads all of it and imports none of it: an object of a class it does not know
becomes an ``Opaque`` with the arguments and state that the file gives it. What belongs to Python itself and could be
abused (``os.system``, ``eval``) would not run either; a file that asks for it is refused all the same.
"""

from __future__ import annotations

import math
import sys
from _compat_pickle import IMPORT_MAPPING
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from vesalius.data import unpickle
from vesalius.data.unpickle import Refused

_HARMLESS_MODULES = frozenset(
    "argparse collections pathlib datetime decimal fractions enum uuid functools types typing time random copyreg "  # noqa: SIM905
    "_codecs dataclasses logging numbers array re zoneinfo".split()
)
_HARMLESS_BUILT_IN = frozenset(
    "set frozenset bytearray bytes complex slice range object list dict tuple int long float str unicode bool type getattr".split()  # noqa: SIM905
)
_TYPES: dict[str, torch.dtype] = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
    "torch.ComplexFloatStorage": torch.complex64,
    "torch.ComplexDoubleStorage": torch.complex128,
    "torch.storage.UntypedStorage": torch.uint8,
}
_REPEATED = 1 << 20
"""Values of a tensor that repeats a smaller storage, at most."""


@dataclass
class Opaque:
    """An object of a class that was not imported: ``name``, constructor's ``arguments``, ``state`` and ``items``."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    appended: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """A storage of the file: ``count`` values of ``dtype`` under ``key``."""

    dtype: torch.dtype
    key: str
    count: int


@dataclass(frozen=True)
class Held:
    """A tensor as a part of a storage; nothing is read until ``torch_file`` is asked to."""

    storage: Stored
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Machine(unpickle.Machine):
    """The data of one torch pickle."""

    def named(self, name: str) -> Any:
        """A name the file gives: a function imitated here or in ``unpickle``, or an ``Opaque``. Raises Refused."""
        module, _, attribute = name.partition(".")
        module = IMPORT_MAPPING.get(module, module)  # protocols 0 to 2 write Python 2's names
        if f"{module}.{attribute}" in _FUNCTIONS or name in _FUNCTIONS:
            return Opaque(f"{module}.{attribute}")
        try:
            return super().named(name)
        except Refused:
            harmless = attribute in _HARMLESS_BUILT_IN if module == "builtins" else module in _HARMLESS_MODULES
            if module in sys.stdlib_module_names and not harmless:
                raise
        return Opaque(f"{module}.{attribute}")

    def call(self, function: Any, arguments: Any) -> Any:
        """A tensor, a container, or an ``Opaque`` that keeps the arguments."""
        if not isinstance(function, Opaque):
            return super().call(function, arguments)
        if not isinstance(arguments, tuple):
            raise Refused("calls something with no list of arguments")
        known = _FUNCTIONS.get(function.name)
        return known(*arguments) if known is not None else Opaque(function.name, arguments)

    def key(self, key: Any) -> Any:
        """Old Lightning used classes as keys, and settings sometimes enumerations or pairs: those become text."""
        if isinstance(key, Opaque):
            return " ".join([key.name, *(str(a) for a in key.arguments if isinstance(a, str | int))])
        if type(key) is tuple and all(isinstance(part, str | int | float) for part in key):
            return key
        return super().key(key)

    def list_to_fill(self) -> list[Any]:
        """Lists, and objects that derive from them."""
        top = self.stack[-1]
        return top.appended if isinstance(top, Opaque) else super().list_to_fill()

    def set_items(self, values: list[Any]) -> None:
        """Dictionaries, and objects that derive from them."""
        top = self.stack[-1]
        if not isinstance(top, Opaque):
            super().set_items(values)
            return
        top.items.update({self.key(key): value for key, value in zip(values[::2], values[1::2], strict=True)})

    def build(self, state: Any) -> None:
        """An ``Opaque`` keeps its state; attributes of dictionaries and tensors are not needed."""
        top = self.stack[-1]
        if isinstance(top, Opaque):
            top.state = state
        elif not isinstance(top, dict | Held):
            super().build(state)

    def step(self, name: str, argument: Any) -> None:
        """What torch's pickles use beyond plain data."""
        stack = self.stack
        if name == "BINPERSID":
            stack.append(_persistent(stack.pop()))
        elif name == "NEWOBJ":
            arguments, kind = stack.pop(), stack.pop()
            stack.append(self.call(kind, arguments))
        elif name == "NEWOBJ_EX":
            _, arguments, kind = stack.pop(), stack.pop(), stack.pop()
            stack.append(self.call(kind, arguments))
        elif name == "EMPTY_SET":
            stack.append([])  # a set's items in the file's order: nothing here is looked up in it
        elif name == "ADDITEMS":
            values = self.marked()
            self.list_to_fill().extend(values)
        elif name == "FROZENSET":
            stack.append(self.marked())
        else:
            super().step(name, argument)


def _persistent(identity: Any) -> Any:
    """``("storage", type, key, location, count)`` and in old files a view; there also ``("module", class, source)``."""
    if isinstance(identity, tuple) and len(identity) > 1 and identity[0] == "module":
        return identity[1]
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise Refused("refers to something that is no storage")
    _, kind, key, _, count = identity[:5]
    dtype = _TYPES.get(kind.name) if isinstance(kind, Opaque) else None
    if dtype is None:
        raise Refused(f"holds values of the type {getattr(kind, 'name', kind)!r}")
    if len(identity) > 5 and identity[5] is not None:
        raise Refused("holds storages that are views of others, as torch before 0.4 wrote them")
    if type(count) is not int or count < 0:
        raise Refused("holds a storage of no size")
    return Stored(dtype, str(key), count)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> Held:
    return _held(storage, storage.dtype, offset, shape, stride)


def _tensor_of_type(storage: Any, offset: Any, shape: Any, stride: Any, _1: Any, _2: Any, kind: Any, *_: Any) -> Held:
    dtype = getattr(torch, str(getattr(kind, "name", "")).removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise Refused("holds a tensor of an unknown type")
    return _held(storage, dtype, offset, shape, stride)


def _held(storage: Any, dtype: torch.dtype, offset: Any, shape: Any, stride: Any) -> Held:
    numbers = (offset, *shape, *stride)
    if (
        not isinstance(storage, Stored)
        or any(type(n) is not int or n < 0 for n in numbers)
        or len(shape) != len(stride)
    ):
        raise Refused("holds a tensor of impossible shape")
    # A stride of zero repeats a value without end: more than the file holds is no tensor of weights.
    if math.prod(shape) > max(storage.count * storage.dtype.itemsize // dtype.itemsize, _REPEATED):
        raise Refused("holds a tensor larger than its storage")
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride))
    if all(shape) and (last + 1) * dtype.itemsize > storage.count * storage.dtype.itemsize:
        raise Refused("holds a tensor larger than its storage")
    return Held(storage, dtype, offset, tuple(shape), tuple(stride))


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _subclass(function: Any, _: Any, arguments: Any, *_state: Any) -> Any:
    return Machine().call(function, arguments)


def _pairs(pairs: Any = (), *_: Any) -> dict[Any, Any]:
    return {Machine().key(key): value for key, value in pairs}


def _sequence(items: Any = (), *_: Any) -> list[Any]:
    return list(items) if isinstance(items, list | tuple) else []


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_type,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _subclass,
    "torch.Size": tuple,
    "collections.OrderedDict": _pairs,
    "builtins.set": _sequence,
    "builtins.frozenset": _sequence,
}
