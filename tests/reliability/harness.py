"""Runs a small pretraining again and again, killed and resumed, and says whether the end is always the same.

A process of its own: everything is imported once, then each attempt is a fork, so that twenty kills cost seconds.
``python -m tests.reliability.harness METHOD WORLD KILLS FOLDER`` prints one JSON line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch

from tests.methods.cases import case
from vesalius.runs import TIMES


def make_data(folder: Path) -> Path:
    """A data set in MedMNIST's layout: blobs whose place is the class; 96 + 32 + 32 images of 20 px."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", 96), ("val", 32), ("test", 32)):
        labels = rng.integers(0, 3, (n, 1))
        images = rng.integers(0, 60, (n, 20, 20), dtype=np.uint8)
        for image, label in zip(images, labels[:, 0]):
            image[4 + 5 * label : 8 + 5 * label, 5:15] += 150
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = images, labels.astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "blobs.npz", **arrays)
    return folder / "blobs.npz"


def recipe(data: Path, method: str, epochs: int = 12) -> dict[str, object]:
    """Four steps an epoch, 48 in all, with monitoring, checkpoints and an uneven last batch in every epoch."""
    chosen = case(method)
    return {
        "data": {"train": str(data), "monitor": str(data), "drop_last": False},
        "views": dict(chosen.views),
        "encoder": dict(chosen.encoder),
        "method": {"name": method, **chosen.fields},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "epochs": epochs,
        "batch_size": 28,
        "validate_every": {"epochs": 3},
        "checkpoint_every": {"steps": 5},
        "threads": 1,
        "examine": False,
    }


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def start(world: int, out: Path, given: dict[str, object], resume: bool) -> list[int]:
    """Fork ``world`` ranks of one attempt; returns their process ids."""
    port, children = free_port(), []
    given = {**given, "batch_size": int(given["batch_size"]) // world}  # type: ignore[call-overload]
    for rank in range(world):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.environ.update(RANK=str(rank), WORLD_SIZE=str(world), LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
                from vesalius.errors import VesaliusError
                from vesalius.pretrain import pretrain

                try:
                    if resume and (out / "run.json").exists():
                        pretrain(resume=out, quiet=True)
                    else:
                        shutil.rmtree(out, ignore_errors=True) if rank == 0 else None
                        pretrain(given, out=out, quiet=True)
                    code = 0
                except VesaliusError as error:
                    print(error, file=sys.stderr)
                    code = error.exit_code
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        children.append(child)
    return children


def wait(children: list[int], seconds: float | None = None) -> list[int] | None:
    """Exit codes of all, or None when ``seconds`` went by first."""
    codes: dict[int, int] = {}
    end = None if seconds is None else time.monotonic() + seconds
    while len(codes) < len(children):
        for child in children:
            if child not in codes:
                done, status = os.waitpid(child, os.WNOHANG)
                if done:
                    codes[child] = os.waitstatus_to_exitcode(status)
        if end is not None and time.monotonic() > end and len(codes) < len(children):
            return None
        time.sleep(0.005)
    return [codes[c] for c in children]


def kill(children: list[int]) -> None:
    """SIGKILL to all of them."""
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for child in children:
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            continue


def outcome(out: Path) -> tuple[dict[str, torch.Tensor], list[dict[str, object]]]:
    """Every tensor of the final checkpoint and export, and every line of metrics but times."""
    from safetensors.torch import load_file

    tensors = {}
    last = sorted((out / "checkpoints").glob("step-*"))[-1]
    for file in (*sorted(last.glob("*.safetensors")), out / "encoder.safetensors"):
        tensors |= {f"{file.name}:{k}": v for k, v in load_file(file).items()}
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return tensors, [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    """Its bytes: a monitor's best value that is no number yet equals itself."""
    return tensor.reshape(-1).contiguous().view(torch.uint8)


def compare(a: Path, b: Path) -> list[str]:
    """What differs between two runs' ends."""
    (ta, ma), (tb, mb) = outcome(a), outcome(b)
    found = [f"tensors {sorted(ta.keys() ^ tb.keys())[:3]}"] if ta.keys() != tb.keys() else []
    found += [f"tensor {k}" for k in ta if k in tb and not torch.equal(_bits(ta[k]), _bits(tb[k]))]
    found += [f"{len(ma)} metric lines against {len(mb)}"] if len(ma) != len(mb) else []
    found += [f"metrics of line {i}: {x} / {y}" for i, (x, y) in enumerate(zip(ma, mb)) if x != y]
    return found[:4]


def main() -> None:
    """See the module."""
    method, world, kills, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    torch.set_num_threads(1)
    import vesalius.pretrain  # noqa: F401
    from vesalius import registry, views
    from vesalius.data import readers, store  # noqa: F401

    registry.entry("methods", method)
    views.load("plain", 1) if "plain" in views.names() else None
    data = make_data(folder)
    given = recipe(data, method, 12 if kills > 1 else 6 // world)  # two ranks on two busy cores wait for one another
    cache = Path(os.environ["VESALIUS_CACHE"])
    began = time.monotonic()
    assert wait(start(world, folder / "whole", given, False)) == [0] * world, "the uninterrupted run failed"
    length = time.monotonic() - began
    rng = np.random.default_rng([len(method), world])
    different: list[str] = []
    out = folder / "killed"
    done_by_kill = attempts = 0
    fresh = True
    while done_by_kill < kills and attempts < 5 * kills:
        attempts += 1
        if fresh:  # from nothing: the decoding is done again too
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(cache / "stores", ignore_errors=True)
        began = time.monotonic()
        children = start(world, out, given, True)
        # a time drawn uniformly over the run, counted from the attempt's own start
        codes = wait(children, float(rng.uniform(0, length)))
        if codes is None:
            kill(children)
            done_by_kill += 1
            fresh = False
            continue
        # it ended first: is the end the right one? Then from nothing again, by a clock that has learnt
        different += compare(folder / "whole", out) if codes == [0] * world else [f"an attempt ended with {codes}"]
        length = min(length, time.monotonic() - began) if fresh else length
        fresh = True
    codes = wait(start(world, out, given, True))
    different += compare(folder / "whole", out) if codes == [0] * world else [f"the resumed run ended with {codes}"]
    print(json.dumps({"method": method, "world": world, "kills": done_by_kill, "of": kills, "seconds": length, "different": different[:5]}))


if __name__ == "__main__":
    main()
