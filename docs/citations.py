"""``docs/citations.md``: every paper that a docstring of the package names, beside what it is used for: ``python -m docs.citations``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "vesalius"
PAGE = ROOT / "docs" / "citations.md"
SECTIONS = {
    "Methods": ("methods",),
    "Protocols": ("evaluate/protocols",),
    "Strategies": ("select/strategies",),
    "Measures": ("measures",),
    "How an evaluation judges and looks": ("evaluate",),
    "Networks": ("encoders", "tasks"),
    "Views": ("views",),
    "Training": ("training",),
    "Data sets and how data are read": ("data",),
    "Reports": ("report",),
    "Elsewhere": ("",),
}
"""Title and the folders whose modules belong there; a module stands in the first that fits."""
_NAME = r"\b(?:[Vv]an (?:der |den )?|[Dd]e |N\. )?[A-Z][a-zé](?:[\w-]*\w)?"
_AUTHORS = rf"{_NAME}(?:(?:, | and |, and ){_NAME}(?! in| of))*(?: et al\.(?: and [\w ]+?)?)?(?:'s)?"
_YEAR = r"(?:19[4-9]|20[0-2])\d"
_TITLED = re.compile(rf'({_AUTHORS}),? "([^"]+?),?"[,.]?\s*\(?((?:[^".;()]|\.(?= ?[A-Za-z\d]))*?{_YEAR})')
_PLAIN = re.compile(rf"({_AUTHORS}),? \(?((?:[A-Z][\w.&]*[ ,]+|of |on |in )*?{_YEAR})")
_NO_AUTHORS = {"EyePACS", "Foundation", "Imaging", "In", "Kaggle", "Since", "Until"}
"""Words before a year that are nobody."""


def docstrings(file: Path) -> Iterator[str]:
    """Of the module, its classes and functions, and of the constants that have one; lines joined."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (text := ast.get_docstring(node)):
            yield " ".join(text.split())
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield " ".join(node.value.value.split())


def cited(text: str) -> list[str]:
    """The papers that ``text`` names, each as it names it, those with their titles first."""
    found, rest = [], text
    for match in _TITLED.finditer(text):
        if (authors := _people(match[1])) not in _NO_AUTHORS:
            found.append(f"{authors}, “{match[2]}”, {match[3].strip(' ,(')}")
        rest = rest.replace(match[0], " ")
    for match in _PLAIN.finditer(rest):
        if (authors := _people(match[1])) not in _NO_AUTHORS and not match[2].endswith("JPEG 2000"):
            found.append(f"{authors}, {match[2]}")
    return found


def _people(authors: str) -> str:
    """Without the name of what they made, and without what is theirs."""
    return re.sub(r"^[A-Z][a-z]+[A-Z]\w*, (?=.* et al)", "", authors).removesuffix("'s")


@cache
def papers(file: Path) -> list[str]:
    """Of a module: each paper once, in its fullest form."""
    found = list(dict.fromkeys(paper for text in dict.fromkeys(docstrings(file)) for paper in cited(text)))
    return [paper for paper in found if not any(_same(paper, other) and len(other) > len(paper) for other in found)]


def _same(one: str, other: str) -> bool:
    """First author and year."""
    return [re.split(r"[ ,]", one)[0], *re.findall(_YEAR, one)[-1:]] == [re.split(r"[ ,]", other)[0], *re.findall(_YEAR, other)[-1:]]


def what(file: Path) -> str:
    """The first sentence of a module, as words without its paper."""
    text = " ".join((ast.get_docstring(ast.parse(file.read_text())) or "").split())
    ends = [m.start() for m in re.finditer(r"(?<!et al)(?<=[^A-Z. ][^ .])[.:](?: |$)", text) if text[: m.start()].count("`") % 4 == 0]
    first = text[: ends[0]] if ends else text
    return re.sub(r"\s*\([^()]*\d{4}[^()]*\)", "", first).rstrip(".").replace("|", "\\|").replace("``", "`")


def sections() -> dict[str, list[Path]]:
    """The modules that name a paper, by section."""
    found: dict[str, list[Path]] = {title: [] for title in SECTIONS}
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE).as_posix()
        if papers(file):
            title = next(title for title, folders in SECTIONS.items() if any(place.startswith(folder) for folder in folders))
            found[title].append(file)
    return {title: files for title, files in found.items() if files}


def page() -> str:
    """The page's text."""
    text = [
        "# Citations",
        "",
        "Every paper that the code names where it follows one: what it is used for, and the file. Who publishes work that used a method, a measure, a",
        "data set or a network of these should cite its authors too. Of Vesalius itself: [CITATION.cff](../CITATION.cff).",
    ]
    for title, files in sections().items():
        text += ["", f"## {title}", "", "| what | paper | in |", "|---|---|---|"]
        for file in files:
            cells = (what(file), "<br>".join(p.replace("|", "\\|") for p in papers(file)), f"`{file.relative_to(PACKAGE.parent).as_posix()}`")
            text.append(f"| {' | '.join(cells)} |")
    return "\n".join([*text, "", "Written by `python -m docs.citations` from the docstrings; a test holds it current.", ""])


if __name__ == "__main__":
    PAGE.write_text(page())
