"""docs/methods.md is true: every method has its row and its section, and defaults and recipes are those it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vesalius import registry, views
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import names

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")
METHODS = sorted(registry.names("methods"))


def sections() -> dict[str, str]:
    """Title of each section and its text."""
    parts = re.split(r"^## (.+)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def section(method: str) -> str:
    """The section whose title begins with the method's name, hyphens and case aside."""
    found = [text for title, text in sections().items() if title.split()[0].lower().replace("-", "") == method.replace("-", "")]
    assert len(found) == 1, f"docs/methods.md has {len(found)} sections on {method}"
    return found[0]


@pytest.mark.parametrize("method", METHODS)
def test_a_row_and_a_section(method: str) -> None:
    (row,) = re.findall(rf"^\| `{method}` \|(?:[^|\n]+\|){{6}}$", PAGE, re.MULTILINE)
    needs = registry.entry("methods", method)
    assert all(cell.strip() for cell in row.strip("|").split("|"))
    fields = needs.Config.model_fields
    named = {name for name in re.findall(r"`(\w+)`", section(method)) if name in fields}
    assert named, f"the section on {method} names none of its fields"


@pytest.mark.parametrize("method", METHODS)
def test_defaults_that_are_named_are_the_methods(method: str) -> None:
    """`field` (value) in a section is the field's default."""
    fields = registry.entry("methods", method).Config.model_fields
    for name, value in re.findall(r"`(\w+)` \((-?[\d.]+(?:e-?\d+)?)[,)]", section(method)):
        if name in fields:
            assert float(value) == float(fields[name].default), f"{method}.{name}"


@pytest.mark.parametrize("method", METHODS)
def test_a_methods_recipes_are_all_named(method: str) -> None:
    """In its section; those that go on from public weights, above the table."""
    mine = {name for name in names() if load_pretrain(name)[0].method.name == method}
    places = section(method) + sections()["In short"]
    assert mine - set(re.findall(r"`([\w-]+)`", places)) == set()


def test_every_recipe_that_is_named_exists() -> None:
    prefixes = tuple({name.split("-")[0] + "-" for name in names()})
    for word in re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", PAGE):
        assert word in {*names(), *views.names()} or not word.startswith(prefixes), word


def test_only_these_may_accumulate() -> None:
    """The sentence below the table."""
    sentence = re.search(r"Only ([^.]+?) may\s+`accumulate`", PAGE)
    assert sentence is not None
    free = set()
    for method in METHODS:
        module = registry.entry("methods", method)
        free |= {method for kind in vars(module).values() if isinstance(kind, type) and getattr(kind, "independent", False)}
    assert set(re.findall(r"`([\w-]+)`", sentence[1])) == free
