"""TensorFlow's checkpoints: its own, and files that say what is not so."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.encoders import bundles
from vesalius.data.unpickle import Refused
from vesalius.encoders.bundle_files import bundle_files
from vesalius.encoders.tensor_bundle import TensorBundle

FIXTURE = Path(__file__).parent / "zoo" / "fixtures" / "ResNet50_1x.zip"
MOST = 1 << 24


def opened(path: Path) -> TensorBundle:
    files = bundle_files(path)
    assert files is not None
    return TensorBundle(files)


def variables() -> dict[str, NDArray[Any]]:
    draw = np.random.default_rng(0)
    return {
        "a/kernel": draw.standard_normal((3, 3, 2, 5), np.float32),
        "b": draw.standard_normal((4,)),
        "c/half": draw.standard_normal((2, 2)).astype(np.float16),
        "d": np.array(7, np.int64),
        "e/none": np.zeros((0, 3), np.float32),
        "f": np.array([True, False]),
    }


def test_what_tensorflow_wrote() -> None:
    bundle = opened(FIXTURE)
    assert bundle.variables["base_model/conv2d/kernel"].shape == (7, 7, 3, 2)
    found = bundle.read(["global_step", "base_model/conv2d_52/kernel"], MOST)
    assert found["global_step"] == 225206
    assert found["base_model/conv2d_52/kernel"].shape == (1, 1, 16, 64)
    assert len([name for name in bundle.variables if name.endswith("/Momentum")]) == 161


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_types_shapes_and_shards(shards: int, tmp_path: Path) -> None:
    given = variables()
    found = opened(bundles.write(tmp_path / "model.ckpt-1", given, shards)).read(given, MOST)
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("part", ["", ".index", ".data-00000-of-00002", ".data-00001-of-00002", ".meta", "/"])
def test_any_of_its_files_the_prefix_and_the_folder(part: str, tmp_path: Path) -> None:
    bundles.write(tmp_path / "model.ckpt-1", variables(), 2)
    (tmp_path / "checkpoint").write_text("model_checkpoint_path")
    bundles.write(tmp_path / "hub" / "variables" / "variables", variables())
    path = tmp_path if part == "/" else Path(f"{tmp_path / 'model.ckpt-1'}{part}")
    assert opened(path).read(["d"], MOST)["d"] == 7
    assert opened(tmp_path).files.prefix.endswith("model.ckpt-1")


def test_a_folder_in_a_folder_and_none(tmp_path: Path) -> None:
    assert bundle_files(tmp_path) is None
    assert bundle_files(tmp_path / "model.ckpt-1") is None
    bundles.write(tmp_path / "ResNet50_1x" / "model.ckpt-1", variables())
    assert opened(tmp_path).read(["d"], MOST)["d"] == 7


def zipped(folder: Path, names: dict[str, Path]) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in names.items():
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return folder / "a.zip"


def test_an_archive_with_a_hub_module_and_what_a_mac_adds(tmp_path: Path) -> None:
    index = bundles.write(tmp_path / "m", variables())
    data = tmp_path / "m.data-00000-of-00001"
    other = bundles.write(tmp_path / "o", {"x": np.zeros(1, np.float32)})
    names = {"x/m.index": index, "x/m.data-00000-of-00001": data, "x/hub/variables/variables.index": other}
    found = opened(zipped(tmp_path, {**names, "__MACOSX/x/._m.index": other, "x/._m.index": other}))
    np.testing.assert_array_equal(found.read(["b"], MOST)["b"], variables()["b"])


@pytest.mark.parametrize("name", ["../m.index", "/etc/m.index", "x/../../m.index", "..\\m.index"])
def test_an_archive_that_leads_out_of_itself(name: str, tmp_path: Path) -> None:
    index = bundles.write(tmp_path / "m", variables())
    with pytest.raises(Refused, match="leads out of it"):
        opened(zipped(tmp_path, {name: index}))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "m.data-00000-of-00001", "m.index"]


def test_several_checkpoints_are_a_question(tmp_path: Path) -> None:
    for step in (1, 2):
        bundles.write(tmp_path / f"model.ckpt-{step}", variables())
    with pytest.raises(Refused, match=r"holds 2 checkpoints \(model.ckpt-1, model.ckpt-2\)"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"offset": 1 << 40}, "are beyond"),
        ({"offset": 5}, "whose checksum is another"),
        ({"shape": (1 << 20, 1 << 20), "size": 1 << 42}, "far more than such a network holds"),
        ({"shape": (1 << 40,)}, "which do not fit"),
        ({"size": 8}, "which do not fit"),
        ({"crc": 1}, "whose checksum is another"),
        ({"shard": 3}, "is in file 3 of 1"),
        ({"dtype": 7}, "TensorFlow's type 7"),
        ({"sliced": True}, "in slices"),
    ],
)
def test_what_is_not_so_is_refused_by_name(spoilt: dict[str, Any], words: str, tmp_path: Path) -> None:
    bundle = opened(bundles.write(tmp_path / "m", variables(), spoilt={"a/kernel": spoilt}))
    assert bundle.read(["b"], MOST)["b"].shape == (4,), "the others can be read"
    with pytest.raises(Refused, match=words) as caught:
        bundle.read(["a/kernel"], MOST)
    assert "a/kernel" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (bundles.field(1, 1) + bundles.field(2, 1), "big-endian"),
        (bundles.field(1, 1 << 40), "data files"),
        (b"\x0a\xff", "cut short"),
        (b"\x0f", "damaged"),
    ],
)
def test_headers_that_are_none(header: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=words):
        opened(bundles.write(tmp_path / "m", variables(), header=header))


def test_the_old_format_and_too_many_dimensions(tmp_path: Path) -> None:
    (tmp_path / "v1.index").write_bytes(bundles.table([(b"a", b"")]))
    with pytest.raises(Refused, match="V1"):
        opened(tmp_path / "v1.index")
    index = bundles.write(tmp_path / "m", variables(), spoilt={"d": {"shape": (1,) * 40}})
    with pytest.raises(Refused, match="40 dimensions"):
        opened(index)


def test_missing_and_short_files(tmp_path: Path) -> None:
    index = bundles.write(tmp_path / "m", variables(), 2)
    second = tmp_path / "m.data-00001-of-00002"
    second.write_bytes(second.read_bytes()[:3])
    with pytest.raises(Refused, match="are beyond the 3 bytes"):
        opened(index).read(variables(), MOST)
    second.unlink()
    with pytest.raises(Refused, match=r"lacks the file m\.data-00001-of-00002"):
        opened(index).read(variables(), MOST)
