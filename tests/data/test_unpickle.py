from __future__ import annotations

import collections
import io
import pickle
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vesalius.data.unpickle import Refused, interpret, unpickle
from vesalius.errors import UserError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)
NUMBERS = hnp.arrays(
    st.sampled_from(["u1", "<i2", ">i4", "<i8", "<f4", ">f8", "?", "<u2", "<c8"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
)


@given(PLAIN, st.integers(0, 5))
def test_plain_data_are_read_as_python_reads_them(value: Any, protocol: int) -> None:
    assert interpret(pickle.dumps(value, protocol)) == pickle.loads(pickle.dumps(value, protocol)) == value


@given(NUMBERS, st.integers(2, 5), st.booleans())
def test_arrays(array: np.ndarray[Any, Any], protocol: int, fortran: bool) -> None:
    array = np.asfortranarray(array) if fortran else array
    read = interpret(pickle.dumps({"a": array, "again": array, "one": array.ravel()[:1]}, protocol))
    np.testing.assert_array_equal(read["a"], array)
    np.testing.assert_array_equal(read["again"], array)
    assert read["a"].dtype == array.dtype
    assert read["a"].flags.writeable


def test_scalars_and_ordered_dictionaries() -> None:
    value = collections.OrderedDict(a=np.float32(1.5), b=np.int64(3))
    assert interpret(pickle.dumps(value, 2)) == {"a": 1.5, "b": 3}


def test_a_pickle_of_python_2() -> None:
    """What ``cPickle.dump({'data': array, 'labels': [6, 9]}, protocol=2)`` of Python 2 wrote, opcode by opcode."""
    raw = bytes(range(250, 256))
    data = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05"
        b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"U" + bytes([len(raw)]) + raw + b"tbU\x06labelsq\x08]q\x09(K\x06K\x09eu."
    )
    expected = pickle.loads(data, encoding="latin1")
    read = interpret(data)
    np.testing.assert_array_equal(read["data"], expected["data"])
    assert read["data"].tolist() == [[250, 251, 252], [253, 254, 255]]
    assert read["labels"] == [6, 9]


class Attack:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.what = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [eval, exec, print, __import__, getattr, open, np.load, np.frombuffer, io.BytesIO])
def test_every_call_is_refused_and_not_made(function: Any, protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    data = pickle.dumps({"a": [1, Attack(function, f"open({str(mark)!r}, 'w')")]}, protocol)
    with pytest.raises(Refused, match="asks for"):
        interpret(data)
    assert not mark.exists()


def test_the_sentence_names_file_and_reason(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Attack(eval, "1")))
    with pytest.raises(
        UserError, match=r"data_batch_1 was refused: it asks for (builtins|__builtin__)\.eval\. A pickle can run"
    ) as error:
        unpickle(tmp_path / "data_batch_1")
    assert "\n" not in str(error.value)


def array_of(shape: bytes, code: bytes, raw: bytes) -> bytes:
    start = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
    return (
        start
        + shape
        + b"cnumpy\ndtype\nU"
        + bytes([len(code)])
        + code
        + b"K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + raw
        + b"tb."
    )


BAD = {
    "an array of objects": array_of(b"K\x01\x85", b"O8", b"]N\x61"),
    "an array of records": pickle.dumps(np.zeros(2, [("a", "u1")]), 2),
    "an array of texts": pickle.dumps(np.array(["a"]), 2),
    "a larger array than its bytes": array_of(b"J\x00\x00\x00\x7f\x85", b"u1", b"U\x01a"),
    "an array of a negative side": array_of(b"J\xfe\xff\xff\xff\x85", b"u1", b"U\x01a"),
    "an array made large at once": b"\x80\x02cnumpy\nndarray\nJ\x00\x00\x00\x7f\x85R.",
    "a persistent name": b"Pname\n.",
    "an extension": b"\x82\x01.",
    "an instance": b"(i__builtin__\neval\n.",
    "an object": b"(c__builtin__\neval\no.",
    "a class made new": b"\x80\x02cbuiltins\nobject\n)\x81.",
    "a call of a text": b"U\x04evalU\x011\x85R.",
    "a call of an array's name": b"cnumpy\nndarray\n)R.",
    "a name as data": b"cnumpy\nndarray\n.",
    "a buffer out of band": b"\x80\x05\x97.",
    "a state for a dictionary": b"}}b.",
    "a tuple for a key": b"}K\x01\x85K\x02s.",
    "appending to a tuple": b")K\x01a.",
    "an empty stack": b"\x80\x020.",
    "two results": b"K\x01K\x02.",
    "an unknown memo": b"h\x05.",
    "no end": b"\x80\x02K\x01",
    "nothing": b"",
    "rubbish": b"\xff\xfe\xfd",
    "a text longer than the file": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.",
    "no mark": b"K\x01t.",
    "an odd dictionary": b"}(K\x01u.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0ddtype.__init__\x93.",
}  # fmt: skip


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_whatever_is_not_plain_data_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        interpret(data)


def test_bombs_neither_fill_the_memory_nor_take_for_ever() -> None:
    nested = (
        b"\x80\x02}" + b")" + b"".join(b"q\x00h\x00\x86" for _ in range(200)) + b"K\x01s."
    )  # hashing takes 2^200 steps
    memo = b"\x80\x02K\x01r\xff\xff\xff\xff."  # Python's own reader makes room for 4 billion entries
    tracemalloc.start()
    begin = time.monotonic()
    with pytest.raises(Refused, match="tuple for a key"):
        interpret(nested)
    assert interpret(memo) == 1
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
    assert time.monotonic() - begin < 2


def test_a_changed_type_stays_in_its_file() -> None:
    """Python's reader would turn the one float64 of the whole process around; ours builds its own."""
    swapped = b"\x80\x02cnumpy\ndtype\nU\x02f8K\x00K\x00\x87R(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb."
    with pytest.raises(Refused):
        interpret(swapped)
    assert np.dtype("f8").isnative


@settings(max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 40))
def test_any_bytes_are_read_or_refused(rubbish: bytes, at: int) -> None:
    good = pickle.dumps({"a": np.arange(3), "b": [1, (2, "x")]}, 2)
    for data in (rubbish, good[:at] + rubbish + good[at:], good[:-at]):
        with suppress(Refused):
            interpret(data)
