from __future__ import annotations

import os
from pathlib import Path

import pytest

from vesalius.data.listing import SUFFIXES, list_images


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def slow(root: Path) -> set[str]:
    """Independent: pathlib, and every part of the path looked at."""
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file()
        and path.suffix[1:].lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }


def test_it_finds_what_a_slow_walk_finds(tmp_path: Path) -> None:
    make(
        tmp_path, "a.png", "b.JPG", "c.txt", "d", ".hidden.png", ".git/x.png", "deep/er/still/e.tiff", "deep/f.jpeg",
        "deep/g.webp.txt", "png", "h.png.d/i.bmp", "ä ö/ü.png", "Thumbs.db",
    )  # fmt: skip
    found = list_images(tmp_path)
    assert set(found.uris) == slow(tmp_path)
    assert len(found.uris) == len(set(found.uris)) == 6
    assert (found.hidden, found.other) == (2, 5)


def test_the_order_does_not_depend_on_the_file_system(tmp_path: Path) -> None:
    names = [f"{folder}/{i}.png" for folder in ("b", "a", "c/d") for i in (3, 1, 2)]
    make(tmp_path / "one", *names)
    make(tmp_path / "two", *reversed(names))
    assert list_images(tmp_path / "one").uris == list_images(tmp_path / "two").uris
    assert list_images(tmp_path / "one").uris[:3] == ["a/1.png", "a/2.png", "a/3.png"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "x.png")
    make(tmp_path / "root", "a/y.png")
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "a" / "self").symlink_to(tmp_path / "root" / "a")
    (tmp_path / "root" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "z.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    assert list_images(tmp_path / "root").uris == ["z.png", "a/y.png", "out/x.png"]


def test_closed_folders_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.png", "closed/b.png", "open/c.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list_images(tmp_path)
    assert (found.closed, found.uris) == (1, ["a.png", "open/c.png"])
    assert found.folders == [("", 1), ("open/", 1)]


def test_progress_is_told_and_ends_with_the_whole(tmp_path: Path) -> None:
    make(tmp_path, *(f"{i}.png" for i in range(5)))
    told: list[tuple[int, int]] = []
    list_images(tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(5, 5)]
