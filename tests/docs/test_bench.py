"""``make bench``: every claim is where it says it is and has a benchmark; what is slow, fails or is absent is said; the page holds all of it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from benchmarks import _page, _running
from benchmarks._catalogue import Benchmark, Claim, benchmarks, elsewhere
from docs.proofs import benched

ROOT = Path(__file__).resolve().parents[2]
LINE = {"name": "fast | thing", "ours": 1.0, "peer": 2.0, "ratio": 2.0, "unit": "ms", "setting": "here"}
TABLE = {"name": "table", "rows": {"a": {"speed": [1.23456, 2.0]}, "b": {"speed": [3.0, 4.0]}}, "bf16": False}


def script(folder: Path, name: str, text: str, **options: object) -> Benchmark:
    (folder / f"{name}.py").write_text(text)
    return Benchmark(name, "Speed", **options)  # type: ignore[arg-type]


def plain(text: str) -> str:
    return " ".join(text.split())


def test_every_file_is_in_the_catalogue_and_the_catalogue_is_there() -> None:
    files = {p.stem for p in (ROOT / "benchmarks").glob("*.py") if not p.stem.startswith("_") and not p.stem.endswith("_peer")}
    assert set(benchmarks()) == files


@pytest.mark.parametrize("name", list(benchmarks()))
def test_claims_stand_where_they_are_said_to_stand(name: str) -> None:
    one = benchmarks()[name]
    for claim in one.claims:
        assert bool(claim.claim) == bool(claim.stated), f"{claim.line}: a claim has its place"
        assert not claim.claim or plain(claim.claim) in plain((ROOT / claim.stated).read_text()), f"{claim.stated} does not say: {claim.claim}"
        assert claim.least is None or claim.most is None
    assert one.page or one.claims
    text = (ROOT / "benchmarks" / f"{name}.py").read_text()
    assert {w for w in (*one.short, *one.full) if w.startswith("--")} <= set(re.findall(r"--[a-z]+", text)), f"{name} does not know its words"


def test_the_readme_tells_the_ratios_that_the_page_has() -> None:
    text, page = _page.README.read_text(), _page.PAGE.read_text()
    told = re.findall(r"\*\*([\d.]+)\*\* times", text)
    assert told
    for ratio in told:
        assert f" | {ratio} | " in page, f"README: {ratio} stands not on the page"


def test_the_readme_is_written_of_what_was_measured() -> None:
    known = {"fast": Benchmark("fast", "Speed", claims=(Claim("fast | thing", readme="things: theirs"), Claim("slow", readme="slow: theirs")))}
    found = {"fast": _running.Measured("fast", lines=[LINE])}
    text = _page.readme(f"A\n{_page.BEGIN}old\n{_page.END}B\n", known, found)
    assert text == f"A\n{_page.BEGIN}| things |\n| :-: |\n| **2** times |\n| beside theirs |\n{_page.END}B\n"
    assert _page.readme(text, known, {}) == f"A\n{_page.BEGIN}{_page.END}B\n"


def test_what_is_measured_elsewhere_is_said_there() -> None:
    for one in elsewhere():
        assert plain(one.claim) in plain((ROOT / one.stated).read_text()), one.claim
        module = re.search(r"-m ([\w.]+)", one.command)
        assert module is None or (ROOT / f"{module[1].replace('.', '/')}.py").exists(), one.command


def test_the_pages_name_benchmarks_that_there_are() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for name in re.findall(r"\bbenchmarks[./]([a-z]\w+)(?!\w*\.(?:md|yaml))", page.read_text()):
            assert name in (*benchmarks(), "kept", "md", "yaml", "py"), f"{page.relative_to(ROOT)}: {name}"


def test_what_benchmarks_take_from_the_package_is_there() -> None:
    for file in sorted((ROOT / "benchmarks").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("vesalius", "tests")):
                base = ROOT / ("src" if str(node.module).startswith("vesalius") else "") / str(node.module).replace(".", "/")
                source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
                assert source.is_file(), f"{file.name}: {node.module}"
                for alias in node.names:
                    known = re.search(rf"\b{alias.name}\b", source.read_text()) or (base / f"{alias.name}.py").is_file() or (base / alias.name).is_dir()
                    assert known, f"{file.name}: {node.module} has no {alias.name}"


def test_lines_are_read_and_what_is_cut_short_is_said(tmp_path: Path) -> None:
    claims = (Claim("fast | thing", "It is fast", "docs/here.md", least=1.5),)
    good = script(tmp_path, "good", f"print('noise')\nprint({json.dumps(LINE)!r})\nprint({json.dumps(TABLE)!r})", claims=claims, short=("--few",))
    found = _running.measure(good, good.short, None, tmp_path)
    assert found.lines == [LINE, TABLE]
    slow = script(tmp_path, "slow", f"print({json.dumps(LINE)!r}, flush=True)\nimport time\ntime.sleep(60)")
    late = _running.measure(slow, (), 1.0, tmp_path)
    assert late.lines == [LINE]
    assert late.failed
    wrong = _running.measure(script(tmp_path, "wrong", "raise ValueError('no peer')"), (), None, tmp_path)
    assert wrong.note == "failed: ValueError: no peer"
    absent = _running.measure(script(tmp_path, "absent", "", needs="folder@/nowhere/at/all"), (), None, tmp_path)
    assert absent.absent
    assert not absent.failed
    known = {one: Benchmark(one, "Speed") for one in ("slow", "wrong", "absent", "waiting")} | {"good": good}
    page = _page.page(known, {"good": found, "slow": late, "wrong": wrong, "absent": absent})
    row = next(row for row in page.splitlines() if "It is fast" in row)
    assert row.startswith("| fast \\| thing: “It is fast” ([here.md](here.md)) | ratio at least 1.5 | 1 | 2 | 2 | yes | ms; here |")
    assert row.endswith("`python -m benchmarks.good --few`* |")
    assert "| a | 1.235, 2 |" in page
    for said in ("`wrong` failed: ValueError: no peer.", "`slow` stopped after 1 s.", "`absent` not run here: ", "on this machine: `waiting`."):
        assert said in page


def test_what_is_kept_stands_until_the_file_or_its_words_change(tmp_path: Path) -> None:
    one = script(tmp_path, "kept", f"print({json.dumps(LINE)!r})", short=("--few",), full=("--full",))
    assert _running.kept(one, False, tmp_path) is None
    _running.keep(_running.measure(one, one.short, None, tmp_path), tmp_path)
    assert _running.kept(one, False, tmp_path) is not None
    assert _running.kept(one, True, tmp_path) is None, "the short form is not the whole"
    _running.keep(_running.measure(one, one.full, None, tmp_path), tmp_path)
    assert _running.kept(one, False, tmp_path) is not None, "the whole serves for the short form"
    (tmp_path / "kept.py").write_text("print(1)")
    assert _running.kept(one, False, tmp_path) is None
    _running.keep(_running.Measured("kept", [], note="failed: it", key=_running.key(one, one.short, tmp_path)), tmp_path)
    assert _running.kept(one, False, tmp_path) is None, "what failed is run again"


def test_bars_are_of_the_ratio_or_of_our_own_figure() -> None:
    assert Claim("x", least=2.0).reached(LINE) is True
    assert Claim("x", least=2.1).reached(LINE) is False
    assert Claim("x", most=0.5).reached(LINE) is False
    assert Claim("x").reached(LINE) is None


def test_the_page_has_a_row_for_every_claim() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    for one in benchmarks().values():
        for claim in one.claims:
            assert (claim.claim or claim.line) in page, f"{claim.line}: run `python -m benchmarks --list`, then `make bench`"


def test_the_proof_wants_every_benchmark(tmp_path: Path) -> None:
    one = script(tmp_path, "one", f"print({json.dumps(LINE)!r})", claims=(Claim("fast | thing", least=1.5), Claim("other")))
    two = script(tmp_path, "two", "raise ValueError('no peer')", claims=(Claim("that"),))
    before = benched.lines({"one": one, "two": two}, {})
    assert [line.verdict for line in before] == ["not run"]
    found = {"one": _running.measure(one, (), None, tmp_path)}
    assert [line.verdict for line in benched.lines({"one": one}, found)] == ["FAIL", "pass"], "a line that it did not print"
    found["two"] = _running.measure(two, (), None, tmp_path)
    assert "two" in benched.lines({"two": two}, found)[0].figure
