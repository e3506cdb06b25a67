"""What is an address, what is a path, and that no address with a secret gets further."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.files import absolute, is_remote, place_of, refuse_secrets

UPATH = "needs universal-pathlib: pip install 'vesalius[remote]'"


def test_what_is_an_address() -> None:
    assert all(is_remote(a) for a in ("s3://b/x", "az://c", "https://h/x/", "memory://x", "S3://b"))
    assert not any(is_remote(a) for a in ("/data/x", "./x", "C:/x", "c://x", "file:///data/x", "my_data.py:MySet", Path("/x"), ""))


def test_paths_stay_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    assert place_of(tmp_path) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place_of("~/x") == tmp_path / "x"
    assert absolute(f"file://{tmp_path}") == absolute(tmp_path) == str(tmp_path)


def test_an_address_has_pathlibs_methods() -> None:
    pytest.importorskip("upath", reason=UPATH)
    place = place_of("memory://ward/a")
    assert str(place / "b.png") == "memory://ward/a/b.png"
    assert (place / "b.png").relative_to(place).as_posix() == "b.png"
    assert absolute("memory://ward/a/") == absolute(place)
    assert place_of(place) is place


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:Canary@bucket/x", "s3://key:a/Canary+b/c@bucket/x", "https://me:Canary@host/x", "https://Canary@host/x", "nih-chestxray14@https://me:Canary@host/x",
        "https://host/x.csv?sig=Canary", "az://box/x?se=1&sig=Canary", "https://host/x?X-Amz-Signature=Canary",
    ],
)  # fmt: skip
def test_an_address_with_a_secret_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(UserError, match="environment") as caught:
        refuse_secrets(address)
    assert "Canary" not in str(caught.value)


def test_what_is_no_secret() -> None:
    for address in ("abfs://box@account.dfs.core.windows.net/x", "s3://bucket/what?/x", "https://host:9000/a@b/", "s3://b/a@c/"):
        refuse_secrets(address)
    for reference in ("cifar10@s3://b/x:fine", "./a?b=c", "a@b:c"):
        refuse_secrets(reference)


def test_unknown_schemes_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("upath", reason=UPATH)
    with pytest.raises(UserError, match="s3://, az://"):
        place_of("gopher://host/x")
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(UserError, match=r"pip install 'vesalius\[remote\]'"):
        place_of("s3://bucket/x")
