"""The site: every page is in it, every link leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re

import pytest

import vesalius
from docs import reference, site
from vesalius import registry


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The whole site; strict, so that a broken link ends it."""
    folder = tmp_path_factory.mktemp("site")
    site.build(folder / "site", folder / "work")
    return folder / "site"


def test_no_page_loads_anything_from_elsewhere(built):
    pages = sorted(built.rglob("*.html"))
    assert len(pages) > 80
    for page in pages:
        text = page.read_text()
        loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="?([^" >]+)', text)
        loaded += re.findall(r'<link[^>]* rel="?(?:stylesheet|icon)[^>]* href="?([^" >]+)', text)
        assert not [one for one in loaded if re.match(r"(https?:)?//", one)], page.name
    shim = re.search(r'src="?([^" >]*search-from-disk\.js)', (built / "docs" / "proofs" / "7.html").read_text())
    assert (built / "docs" / "proofs" / shim[1]).resolve().is_file()


def test_every_page_of_the_index_stands_in_the_navigation():
    listed = {place for part in site.nav() for one in part.values() if isinstance(one, list) for line in one for place in line.values()}
    pages = {file.relative_to(site.ROOT).as_posix() for file in (site.ROOT / "docs").rglob("*.md")} - {"docs/index.md"}
    assert pages <= listed


def test_a_broken_link_ends_it(tmp_path, monkeypatch):
    def broken(folder):
        (folder / "docs").mkdir(parents=True)
        (folder / "README.md").write_text("[nowhere](docs/none.md)")

    monkeypatch.setattr(site, "stage", broken)
    monkeypatch.setattr(site, "nav", lambda: [{"Vesalius": "README.md"}])
    with pytest.raises(SystemExit, match=r"none\.md"):
        site.build(tmp_path / "site", tmp_path / "work")


def test_the_reference_holds_every_verb_function_recipe_and_field():
    pages = reference.pages()
    for name in vesalius.__all__:
        assert f"## vesalius.{name}\n" in pages["python.md"]
    for command in ("pretrain", "evaluate", "data check", "models prepare", "runs checkpoint", "list", "submit slurm"):
        assert f"## vesalius {command}\n" in pages["commands.md"]
    assert "--resume" in pages["commands.md"]
    assert "## cifar10-simclr\n" in pages["recipes.md"]
    for group in ("methods", "protocols", "strategies"):
        for name in registry.names(group):
            assert f"### {name}\n" in pages["names.md"]
    assert "| `temperature` | `0.2` | Temperature of NT-Xent. |" in pages["names.md"]
