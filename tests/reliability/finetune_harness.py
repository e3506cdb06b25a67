"""Runs a small fine-tuning again and again, killed and resumed, and says whether the end is always the same.

``python -m tests.reliability.finetune_harness KIND FREEZE KILLS FOLDER`` prints one JSON line; see ``harness``.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch

from tests.labelled import RECIPE, encoder, images
from tests.reliability.harness import kill, wait
from vesalius.runs import TIMES

LABELS = {"binary": {"labels": "ill"}, "regression": {"labels": "age"}}


def start(out: Path, given: dict[str, object], resume: bool) -> list[int]:
    """Fork one attempt."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            from vesalius.finetune import finetune

            if resume and (out / "run.json").exists():
                finetune(resume=out, quiet=True)
            else:
                shutil.rmtree(out, ignore_errors=True)
                finetune(given, out=out, quiet=True)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return [child]


def outcome(out: Path) -> dict[str, object]:
    """Every file that says how it ended, without times."""
    found: dict[str, object] = {}
    for name in ("encoder.safetensors", "classifier.safetensors", "classifier.json", "predictions.parquet"):
        found[name] = (out / name).read_bytes()
        best = out / "checkpoints" / "best-validation" / name
        if best.exists():
            found[f"best {name}"] = best.read_bytes()
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    found["metrics"] = [{k: v for k, v in line.items() if k not in TIMES} for line in lines]
    results = json.loads((out / "results.json").read_text())
    found["results"] = {k: v for k, v in results.items() if k != "cost"}
    return found


def compare(a: Path, b: Path) -> list[str]:
    """What differs between two ends."""
    one, two = outcome(a), outcome(b)
    return [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]


def main() -> None:
    """See the module."""
    kind, freeze, kills, folder = sys.argv[1], sys.argv[2] == "true", int(sys.argv[3]), Path(sys.argv[4])
    torch.set_num_threads(1)
    import vesalius.finetune  # noqa: F401
    from vesalius.evaluate import examples  # noqa: F401
    from vesalius.evaluate.finetuned import over_seeds  # noqa: F401

    table = images(folder / "data")
    encoder(folder / "encoder")
    given = {
        **RECIPE,
        "data": {**RECIPE["data"], "train": str(table), **LABELS[kind]},
        "encoder": {"weights": str(folder / "encoder"), "freeze": freeze},
        "dropout": 0.2,
        "linear_first": kind == "binary",
    }
    cache = Path(os.environ["VESALIUS_CACHE"])
    began = time.monotonic()
    assert wait(start(folder / "whole", given, False)) == [0], "the uninterrupted run failed"
    length = time.monotonic() - began
    rng = np.random.default_rng([len(kind), freeze])
    out, done, different = folder / "killed", 0, []  # type: Path, int, list[str]
    fresh = True
    for _ in range(5 * kills):
        if done == kills:
            break
        if fresh:  # from nothing: decoding and features are done again too
            shutil.rmtree(out, ignore_errors=True)
            for part in ("stores", "features"):  # but not the key that names the images
                shutil.rmtree(cache / part, ignore_errors=True)
        children = start(out, given, True)
        codes = wait(children, float(rng.uniform(0, length)))
        if codes is None:
            kill(children)
            done, fresh = done + 1, False
            continue
        different += compare(folder / "whole", out) if codes == [0] else [f"an attempt ended with {codes}"]
        fresh = True
    codes = wait(start(out, given, True))
    different += compare(folder / "whole", out) if codes == [0] else [f"the resumed run ended with {codes}"]
    print(json.dumps({"kind": kind, "freeze": freeze, "kills": done, "seconds": length, "different": different[:5]}))


if __name__ == "__main__":
    main()
