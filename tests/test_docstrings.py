"""Public docstrings are complete: there is one, with shapes, what is refused, and units. CONTRIBUTING.md states the rule."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "vesalius"
ERRORS = "UserError|Mismatch|TooManyBadFiles|NonFinite|NoRoom|Preempted"
ARRAY = re.compile(r"\b(Tensor|ndarray|NDArray)\b")
# Shapes that the signature itself states, tensors by name (each of a shape of its own), and what a list would do for.
STATED = re.compile(r"\b(Float|Int|Bool|UInt8|Shaped|Num|Complex|Integer|Real)\w*\[|(Mapping|dict)\[str, ")
AXIS = r"(\*?\w+( ?[-+*/^]+ ?\w+)*|\.\.\.)"
SHAPE = re.compile(rf"\(\)|\({AXIS},\)|\({AXIS}(, {AXIS})+\)|\[{AXIS}(, {AXIS})*\]")
REFUSAL = re.compile(rf"\b([Rr]aises?|[Rr]efus\w+|{ERRORS})\b")
ELSEWHERE = re.compile(r"^(As|See|Like) ``")
# Row and record numbers have one axis, by their names.
ONE_AXIS = {"rows", "todo", "at"}
UNITS = {
    r"(^|_)(timeout|seconds|wait|patience_s|duration)($|_)": r"second|minute|hour|\bs\b",
    r"(^|_)spacing($|_)": r"\bmm\b",
    r"(^|_)(hu|window_centre|window_width)($|_)": r"\bHU\b|Hounsfield",
    r"(^|_)(bytes|ram|disk)($|_)": r"\b([KMG]i?B|bytes?|GB|gigabytes?)\b",
    r"(^|_)(side|pixels|padding|margin)($|_)|^(size|crop_size|patch_size)$": r"[Pp]ixel|voxel|\bpx\b|\bmm\b|[Ss]hare",
}


@dataclass
class Told:
    """A public function or class: where, its docstring, its bases and what they say."""

    place: str
    name: str
    node: ast.FunctionDef | ast.ClassDef
    owner: ast.ClassDef | None

    @property
    def own(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def all(self) -> str:
        """Its docstring, its class's and those of the methods it overrides."""
        of_class = ast.get_docstring(self.owner) or "" if self.owner else ""
        return "\n".join([self.own, of_class, *overridden(self.owner, self.name)])


@cache
def trees() -> dict[str, ast.Module]:
    return {
        str(p.relative_to(SOURCE)): ast.parse(p.read_text(encoding="utf-8")) for p in sorted(SOURCE.rglob("*.py"))
    }


@cache
def classes() -> dict[str, list[ast.ClassDef]]:
    found: dict[str, list[ast.ClassDef]] = {}
    for tree in trees().values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


def overridden(owner: ast.ClassDef | None, name: str) -> list[str]:
    """What the classes of the project that ``owner`` builds on say of their method ``name``."""
    said = []
    for base in owner.bases if owner else []:
        plain = base.value if isinstance(base, ast.Subscript) else base
        for found in classes().get(ast.unparse(plain).rpartition(".")[2], []):
            if found is owner:
                continue
            said += [
                doc
                for node in found.body
                if isinstance(node, ast.FunctionDef) and node.name == name and (doc := ast.get_docstring(node))
            ]
            said += overridden(found, name)
    return said


def public(body: list[ast.stmt], place: str, owner: ast.ClassDef | None = None) -> Iterator[Told]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield Told(f"{place}:{node.lineno} {owner.name + '.' if owner else ''}{node.name}", node.name, node, owner)
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, place, node)


def told() -> list[Told]:
    return [found for place, tree in trees().items() for found in public(tree.body, place)]


def functions() -> Iterator[tuple[Told, ast.FunctionDef]]:
    for found in told():
        if isinstance(found.node, ast.FunctionDef):
            yield found, found.node


def is_overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(ast.unparse(d) in {"overload", "typing.overload"} for d in node.decorator_list)


def is_setter(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(ast.unparse(d).endswith(".setter") for d in node.decorator_list)


def test_everything_public_has_a_docstring() -> None:
    silent = [place for place, tree in trees().items() if not ast.get_docstring(tree)]
    for found in told():
        spoken = found.own or overridden(found.owner, found.name) or is_overload(found.node) or is_setter(found.node)
        if not spoken:
            silent.append(found.place)
    assert silent == []


def fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Each field of a class and what is said of it: the string below it, or its description."""
    for here, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(here, ast.AnnAssign) or not isinstance(here.target, ast.Name) or here.target.id[0] == "_":
            continue
        if "ClassVar" in ast.unparse(here.annotation):
            continue
        below = after.value if isinstance(after, ast.Expr) else None
        text = below.value if isinstance(below, ast.Constant) and isinstance(below.value, str) else ""
        for part in (here.annotation, here.value):
            for call in ast.walk(part) if part else []:
                if isinstance(call, ast.keyword) and call.arg == "description":
                    text += " " + ast.unparse(call.value)
        for name in re.findall(r"\w+", ast.unparse(here.annotation)):
            # A group of fields speaks by its class, a field of a class's docstring there.
            text += "".join(ast.get_docstring(found) or "" for found in classes().get(name, []) if is_model(found))
        if f"``{here.target.id}``" in (ast.get_docstring(node) or ""):
            text += ast.get_docstring(node) or ""
        yield here.target.id, text


def is_model(node: ast.ClassDef, seen: frozenset[str] = frozenset()) -> bool:
    for base in node.bases:
        name = ast.unparse(base.value if isinstance(base, ast.Subscript) else base).rpartition(".")[2]
        if name == "BaseModel":
            return True
        if name not in seen and any(is_model(found, seen | {name}) for found in classes().get(name, [])):
            return True
    return False


def models() -> Iterator[tuple[str, ast.ClassDef]]:
    for place, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and is_model(node):
                yield place, node


def inherited(node: ast.ClassDef, field: str) -> str:
    """What the classes that ``node`` builds on say of a field it gives another default."""
    said = ""
    for base in node.bases:
        for found in classes().get(ast.unparse(base).rpartition(".")[2], []):
            if found is not node:
                said += dict(fields(found)).get(field, "") or inherited(found, field)
    return said


def test_every_field_is_described() -> None:
    silent = [
        f"{place} {node.name}.{field}"
        for place, node in models()
        for field, text in fields(node)
        if not text and not inherited(node, field)
    ]
    assert silent == []


def without_shape(node: ast.FunctionDef) -> list[str]:
    """Arrays in the signature whose shape it does not state itself."""
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    said = [(a.arg, ast.unparse(a.annotation)) for a in given if a.annotation]
    said += [("returns", ast.unparse(node.returns))] if node.returns else []
    open_ = []
    for name, text in said:
        listed = "Sequence[" in text or "list[" in text
        if ARRAY.search(text) and not STATED.search(text) and name not in ONE_AXIS and not listed:
            open_.append(f"{name}: {text}")
    return open_


def test_arrays_have_their_shape() -> None:
    silent = []
    for found, node in functions():
        bare = without_shape(node)
        if bare and not SHAPE.search(found.all) and not ELSEWHERE.match(found.own):
            silent.append(f"{found.place}: {'; '.join(bare)} :: {found.own.splitlines()[:1]}")
    assert silent == []


def raised(node: ast.FunctionDef) -> set[str]:
    found = {ast.unparse(r.exc).partition("(")[0] for r in ast.walk(node) if isinstance(r, ast.Raise) and r.exc}
    return {name for name in found if re.fullmatch(ERRORS, name)}


def test_what_is_refused_is_said() -> None:
    silent = [
        f"{found.place}: {sorted(raised(node))} :: {found.own.splitlines()[:1]}"
        for found, node in functions()
        if raised(node) and not REFUSAL.search(found.all)
    ]
    assert silent == []


def test_numbers_have_their_unit() -> None:
    silent = []
    for place, node in models():
        for field, text in fields(node):
            said = " ".join([text or inherited(node, field), ast.get_docstring(node) or ""])
            for name, unit in UNITS.items():
                if re.search(name, field) and not re.search(unit, said):
                    silent.append(f"{place} {node.name}.{field}: {said[:80]}")
    assert silent == []
