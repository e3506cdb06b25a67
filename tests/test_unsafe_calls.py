"""Untrusted files never run code: which calls could, and that only one file of the project may hold them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "vesalius"
ALLOWED = SOURCE / "data" / "unpickle.py"
MODULES = {"pickle", "cPickle", "_pickle", "pickletools", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {"torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "pandas.read_pickle", "pd.read_pickle"}
WITH_WEIGHTS_ONLY = "torch.load"
METHODS = {"extractall", "unpack_archive"}
BUILT_IN = {"eval", "exec"}


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def only_weights(node: ast.AST) -> bool:
    """Whether this is ``torch.load(..., weights_only=True)``, which torch itself restricts to tensors."""
    return (
        isinstance(node, ast.Call)
        and dotted(node.func) == WITH_WEIGHTS_ONLY
        and any(
            k.arg == "weights_only" and isinstance(k.value, ast.Constant) and k.value.value is True
            for k in node.keywords
        )
    )


def unsafe(code: str, *, weights: bool = False) -> list[str]:
    """What in ``code`` could run what it reads; ``weights`` passes over ``torch.load(..., weights_only=True)``."""
    found = []
    tree = ast.parse(code)
    passed = {id(node.func) for node in ast.walk(tree) if weights and isinstance(node, ast.Call) and only_weights(node)}
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                found.append(str(node.module))
            found += [f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in CALLS]
        elif isinstance(node, ast.Attribute) and (dotted(node) in CALLS or node.attr in METHODS):
            found.append(dotted(node))
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BUILT_IN:
                found.append(node.func.id)
            for keyword in node.keywords:
                unsure = not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
                if keyword.arg == "allow_pickle" and unsure:
                    found.append("allow_pickle")
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_no_file_but_one_can_run_what_it_reads(path: Path) -> None:
    if path != ALLOWED:
        assert unsafe(path.read_text(), weights="encoders" in path.parts) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import torch\ntorch.load('a')",
        "from torch import load",
        "import yaml\nyaml.load(f)",
        "np.load(f, allow_pickle=True)",
        "np.load(f, allow_pickle=x)",
        "tar.extractall(p)",
        "shutil.unpack_archive(p)",
        "eval('1')",
        "f = torch.load",
        "import joblib.numpy_pickle",
    ],
)
def test_the_search_finds_each_kind(code: str) -> None:
    assert unsafe(code)


@pytest.mark.parametrize(
    "code", ["torch.load(f)", "torch.load(f, weights_only=False)", "torch.load(f, weights_only=x)"]
)
def test_weights_must_be_said_to_be_only_weights(code: str) -> None:
    assert unsafe(code, weights=True)
    assert not unsafe("torch.load(f, weights_only=True)", weights=True)
    assert unsafe("torch.load(f, weights_only=True)")


def test_the_one_file_imports_nothing_that_a_file_names() -> None:
    tree = ast.parse(ALLOWED.read_text())
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert imported & MODULES == {"pickletools"}
    called = {dotted(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert not called & {"__import__", "importlib.import_module", "getattr", "eval", "exec"}
