"""The data in a pickle, and nothing but data: no name in the file is ever imported, so none of its code can run.

An interpreter of the data part of Python's pickle protocols 0 to 5. It builds dictionaries, lists, tuples, numbers,
texts, bytes and numpy arrays of numbers. The few functions that such pickles call (numpy's array and type
constructors, the encoding of bytes, the ordered dictionary) are imitated here under their names; any other name, and
any instruction that would call or import, is refused. Nothing grows beyond the file: an array is as large as the bytes
that the file holds for it, keys are texts or numbers (hashing nested tuples can take for ever), and the memo is a
dictionary (a list, as Python keeps it, can be made gigabytes long by five bytes).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vesalius import files
from vesalius.errors import UserError

_LITERALS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES "  # noqa: SIM905
    "SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8".split()
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_MAKERS: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_MARK = object()


class Refused(Exception):
    """The pickle holds something other than data; the message says what."""


class _Named:
    """The name of a function in the file; it is looked up in the table below, never imported."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Type:
    """A numpy type under construction: its byte order arrives after it was named."""

    def __init__(self, code: str) -> None:
        self.code = code

    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.code)


class _Array:
    """A numpy array under construction: shape, type and bytes arrive after it was named."""


def unpickle(path: str | Path) -> Any:
    """The data in the pickle file ``path``; byte strings of Python 2 come out as latin-1 text.

    Raises UserError, naming what was found, when the file is damaged or asks for anything but plain data.
    """
    try:
        return interpret(files.contents(path))
    except Refused as error:
        raise UserError(
            f"The file {path} was refused: it {error}. A pickle can run any code, so only plain data (containers,"
            " texts, numbers, numpy arrays) are read. Get the file from its publisher again, or convert it to .npz."
        ) from None


def interpret(data: bytes | BinaryIO, machine: Machine | None = None) -> Any:
    """The object that ``data`` describes; of a file the first pickle is read, and its position is then behind it.

    ``machine`` may know more than plain data. Raises Refused.
    """
    machine = machine or Machine()
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name == "STOP":
                break
            machine.step(code.name, argument)
        return machine.finished()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
        raise Refused(f"is damaged ({type(error).__name__}: {error})") from None


class Machine:
    """The stack and memo of one pickle. A subclass may give names, persistent things and other containers a meaning."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def finished(self) -> Any:
        """What the pickle came to."""
        (value,) = self.stack
        if value is _MARK or isinstance(value, _Named | _Type | _Array):
            raise Refused("holds no data")
        return value

    def named(self, name: str) -> Any:
        """What stands on the stack for the name of a class or function."""
        if name not in _FUNCTIONS and name != "numpy.ndarray":
            raise Refused(f"asks for {name}")
        return _Named(name)

    def call(self, function: Any, arguments: Any) -> Any:
        """What calling ``function`` comes to."""
        if not isinstance(function, _Named) or not isinstance(arguments, tuple):
            raise Refused("calls something that is no constructor of plain data")
        return _FUNCTIONS[function.name](*arguments)

    def key(self, key: Any) -> Any:
        """``key`` as a key of a dictionary."""
        if type(key) not in (str, bytes, int, float, bool, type(None)):
            raise Refused(f"has a {type(key).__name__} for a key")
        return key

    def step(self, name: str, argument: Any) -> None:
        """One instruction."""
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _MAKERS:
            stack.append(_MAKERS[name]())
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("PROTO", "FRAME"):
            pass
        elif name == "POP":
            stack.pop()
        elif name == "POP_MARK":
            self.marked()
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name == "APPEND":
            value = stack.pop()
            self.list_to_fill().append(value)
        elif name == "APPENDS":
            values = self.marked()
            self.list_to_fill().extend(values)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            self.set_items([key, value])
        elif name == "SETITEMS":
            self.set_items(self.marked())
        elif name == "LIST":
            stack.append(self.marked())
        elif name == "TUPLE":
            stack.append(tuple(self.marked()))
        elif name == "DICT":
            values = self.marked()
            stack.append({})
            self.set_items(values)
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            n = int(name[-1])
            values, stack[-n:] = stack[-n:], []
            stack.append(tuple(values))
        elif name == "GLOBAL":
            stack.append(self.named(".".join(argument.split(" "))))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            stack.append(self.named(f"{module}.{attribute}"))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(self.call(function, arguments))
        elif name == "BUILD":
            self.build(stack.pop())
        else:
            raise Refused(f"uses the instruction {name}")

    def marked(self) -> list[Any]:
        """What was pushed since the last mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError("no mark")
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def list_to_fill(self) -> list[Any]:
        """The list that items are appended to."""
        if type(self.stack[-1]) is not list:
            raise Refused("appends to something that is no list")
        return self.stack[-1]

    def set_items(self, values: list[Any]) -> None:
        """Keys and values, in turn, into the dictionary on the stack."""
        target = self.stack[-1]
        if type(target) is not dict or len(values) % 2:
            raise Refused("sets items of something that is no dictionary")
        for key, value in zip(values[::2], values[1::2]):
            target[self.key(key)] = value

    def build(self, state: Any) -> None:
        """Give the object on the stack its state."""
        old = self.stack[-1]
        if isinstance(old, _Type):
            old.code = {">": ">", "<": "<"}.get(state[1], "|" if old.code[-1] in "1?" else "=") + old.code.lstrip(
                "<>|="
            )
        elif isinstance(old, _Array):
            _, shape, kind, fortran, raw = state
            new = _array(raw, kind, shape, "F" if fortran else "C")
            self.stack[-1] = new
            for place, value in self.memo.items():
                if value is old:
                    self.memo[place] = new
        else:
            raise Refused("sets the state of something that is no numpy array")


def _type(code: Any, *_: Any) -> _Type:
    kind = np.dtype(code) if isinstance(code, str) else None
    if kind is None or kind.kind not in "biufc" or kind.fields is not None:
        raise Refused(f"holds an array of {code!r}, not of numbers")
    return _Type(kind.str)


def _array(raw: Any, kind: Any, shape: Any, order: str = "C") -> np.ndarray[Any, Any]:
    data = raw.encode("latin-1") if isinstance(raw, str) else raw
    if not isinstance(kind, _Type) or not isinstance(data, bytes | bytearray):
        raise Refused("holds an array of something else than numbers")
    if any(type(n) is not int or n < 0 for n in shape):
        raise Refused(f"holds an array of shape {shape}")
    flat = np.frombuffer(bytes(data), kind.dtype()) if data else np.zeros(0, kind.dtype())
    return flat.reshape(shape, order="F" if order == "F" else "C").copy(order="K")


def _empty_array(kind: Any, *_: Any) -> _Array:
    if not isinstance(kind, _Named) or kind.name != "numpy.ndarray":
        raise Refused("holds an array of an unknown class")
    return _Array()


def _scalar(kind: Any, raw: Any) -> Any:
    return _array(raw, kind, (1,))[0]


def _encoded(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("encodes something else than latin-1 text")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    return b""


def _ordered(*items: Any) -> dict[Any, Any]:
    if items:
        raise Refused("fills an ordered dictionary while making it")
    return {}


def _from_buffer(raw: Any, kind: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    return _array(raw, kind, shape, order)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _type,
    "_codecs.encode": _encoded,
    "collections.OrderedDict": _ordered,
    "__builtin__.bytes": _no_bytes,  # how protocols 0 to 2 write empty bytes
    "builtins.bytes": _no_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    _FUNCTIONS |= {
        f"{_core}.multiarray._reconstruct": _empty_array,
        f"{_core}.multiarray.scalar": _scalar,
        f"{_core}.numeric._frombuffer": _from_buffer,
    }
