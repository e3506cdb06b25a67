"""The errors a user can mend: one code each, as the design says, and nothing is raised without one."""

from __future__ import annotations

import ast
from pathlib import Path

from vesalius import errors

SOURCE = Path(errors.__file__).parent


def test_exit_codes() -> None:
    kinds = {name: kind.exit_code for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert kinds == {"VesaliusError": 2, "UserError": 2, "NonFinite": 3, "TooManyBadFiles": 4, "NoRoom": 5, "Mismatch": 1, "Preempted": 75}
    assert all(issubclass(getattr(errors, name), errors.VesaliusError) for name in kinds)


def literal(node: ast.expr) -> str | None:
    """The text of a message as far as it is written out; None where it is made elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return None


def test_every_message_is_one_paragraph_that_ends_a_sentence() -> None:
    seen, bad = 0, []
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in vars(errors) and node.args
            text = literal(node.args[0]) if called else None
            if text is not None:
                seen += 1
                if "\n" in text or not text.rstrip().endswith((".", "X", "?")) or len(text) < 20:
                    bad.append(f"{file.relative_to(SOURCE)}: {text}")
    assert seen > 100
    assert bad == []
