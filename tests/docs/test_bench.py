"""``make bench``: a benchmark that is slow, fails or is shortened is said to be."""

import json
from pathlib import Path

from benchmarks import __main__ as bench


def script(folder: Path, name: str, text: str) -> Path:
    place = folder / f"{name}.py"
    place.write_text(text)
    return place


def test_lines_are_read_and_what_is_cut_short_is_said(tmp_path: Path) -> None:
    line = {"name": "fast | thing", "ours": 1.0, "peer": 2.0, "ratio": 2.0, "unit": "ms", "setting": "here"}
    table = {"name": "table", "rows": {"a": {"speed": [1.23456, 2.0]}, "b": {"speed": [3.0, 4.0]}}, "bf16": False}
    good = bench.measure(script(tmp_path, "good", f"print('noise')\nprint({json.dumps(line)!r})\nprint({json.dumps(table)!r})"), False)
    assert good.lines == [line, table]
    slow = bench.measure(script(tmp_path, "slow", f"print({json.dumps(line)!r}, flush=True)\nimport time\ntime.sleep(60)"), False, budget=1.0)
    assert slow.lines == [line]
    assert slow.note.startswith("stopped after 1 s")
    wrong = bench.measure(script(tmp_path, "wrong", "raise ValueError('no peer')"), False)
    assert wrong.note == "failed: ValueError: no peer"
    text = "import sys\n# knows \"--full\"\nprint(sys.argv[1:])"
    assert bench.measure(script(tmp_path, "short", text), False).note.startswith("shortened")
    assert bench.measure(script(tmp_path, "short", text), True).note == ""
    page = bench.page([good, slow, wrong], False)
    assert "| fast \\| thing | 1 | 2 | 2 | ms | here | `benchmarks/good.py` |" in page
    assert "| a | 1.235, 2 |" in page
    assert "`benchmarks/wrong.py` failed: ValueError: no peer." in page
    assert "`benchmarks/slow.py`* |" in page


def test_helpers_are_no_benchmarks() -> None:
    names = {p.stem for p in bench.files()}
    assert {"nt_xent", "simclr_training", "views_32", "views_224", "start_times"} <= names
    assert "views_peer" not in names
    assert "__main__" not in names
