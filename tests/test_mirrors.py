"""Tests mirror src/: a module is tested where its path says, or one table names the file that proves it instead."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import yaml

TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent / "src" / "vesalius"
TABLE = yaml.safe_load((TESTS / "mirrors.yaml").read_text(encoding="utf-8"))
PROVEN: dict[str, str] = {module: file for file, modules in TABLE["proven"].items() for module in modules}
ACROSS: list[str] = TABLE["across"]
# Tests of documents, promises, examples, whole processes and made data: no module has their name.
OF_NO_PACKAGE = {"coverage", "docs", "examples", "reliability", "remote", "trees"}


def has_own(tree: ast.Module) -> bool:
    """Whether a module has a function or class of its own; what only names others needs no test."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)


@cache
def modules() -> dict[str, Path]:
    """Every module with functions or classes of its own, below ``vesalius``: its name, and where its test belongs."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        at = path.relative_to(SOURCE)
        if at == Path("__init__.py") or not has_own(ast.parse(path.read_text(encoding="utf-8"))):
            continue
        at = at.parent / at.parent.name if at.name == "__init__.py" else at.with_suffix("")
        name = ".".join(at.parts[:-1] if at.name == at.parent.name else at.parts)
        found[name] = at.with_name(f"test_{at.name}.py")
    return found


def names(text: str, module: str) -> bool:
    """Whether a test's ``text`` imports ``module``, or speaks of it by name as what is found by name has to be."""
    package, _, last = f"vesalius.{module}".rpartition(".")
    imported = rf"(from|import) {re.escape(package)}\.{last}\b|from {re.escape(package)} import (\([^)]*|[^\n]*)\b{last}\b"
    return re.search(rf"{imported}|\b{last}\b", text) is not None


def test_every_module_has_its_test() -> None:
    missing = {m: str(at) for m, at in modules().items() if not (TESTS / at).exists() and m not in PROVEN}
    assert missing == {}, "write the test, or name in tests/mirrors.yaml the one that proves it"


def test_no_test_is_of_a_module_that_is_gone() -> None:
    mirrors = {str(at) for at in modules().values()}
    orphans = []
    for path in sorted(TESTS.rglob("test_*.py")):
        at = path.relative_to(TESTS)
        if at.parts[0] not in OF_NO_PACKAGE and str(at) not in mirrors | set(ACROSS) | set(TABLE["proven"]):
            orphans.append(str(at))
    assert orphans == []


def test_what_proves_it_elsewhere_speaks_of_it() -> None:
    assert [module for module in PROVEN if module not in modules()] == [], "these are gone"
    assert [module for module in PROVEN if (TESTS / modules()[module]).exists()] == [], "these have a test of their own; take them out"
    assert [module for module, file in PROVEN.items() if not names((TESTS / file).read_text(encoding="utf-8"), module)] == []


def test_what_goes_across_modules_exists_and_mirrors_none() -> None:
    assert len(set(ACROSS)) == len(ACROSS)
    assert [file for file in ACROSS if not (TESTS / file).exists()] == []
    assert {str(at) for at in modules().values()} & set(ACROSS) == set()


def test_a_module_is_known_by_what_it_has() -> None:
    assert has_own(ast.parse("def f(): ..."))
    assert has_own(ast.parse("class C: ..."))
    assert not has_own(ast.parse('"""Doc."""\nfrom a import b\n'))
    assert names("from vesalius.data.boxes import found", "data.boxes.found")
    assert names('registry.get("formats", "coco")', "data.boxes.formats.coco")
    assert not names("from vesalius.data.boxes import foundling", "data.boxes.found")
