"""Where a run computes: device by name, ranks from the launcher's environment, and what they share."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from tests.reliability.harness import free_port, wait
from vesalius.errors import UserError
from vesalius.training.batch_norm import GlobalBatchNorm
from vesalius.training.world import World, pick_device, world


@pytest.mark.parametrize(
    ("name", "words"),
    [("tpu", "one of auto, cpu"), ("", "one of auto"), ("cpu:x", "a number follows"), ("cuda", "no CUDA device"), ("mps", "has none")],
)
def test_a_device_that_is_not_there(name: str, words: str) -> None:
    kind = name.partition(":")[0]
    if (kind == "cuda" and torch.cuda.is_available()) or (kind == "mps" and torch.backends.mps.is_available()):
        pytest.skip(f"there is a {kind} device here")
    with pytest.raises(UserError, match=words):
        pick_device(name)


def test_devices_that_are_there() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")


def test_one_process_needs_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    net = nn.BatchNorm1d(2)
    with world("cpu", "bf16") as here:
        assert (here.rank, here.size, here.first, here.autocast) == (0, 1, True, torch.bfloat16)
        assert here.wrap(net) is net
        assert here.share("x") == "x"
        assert here.total(torch.ones(2)).tolist() == [1, 1]
        here.barrier()
        assert not dist.is_initialized()
        with here.casting():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_several_need_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UserError, match="Start with torchrun, or unset WORLD_SIZE"), world("cpu"):
        pass


def ranks(count: int, work: object) -> list[int]:
    """Exit codes of ``count`` forked ranks that each call ``work(here)``."""
    port, children = free_port(), []
    for rank in range(count):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.environ.update(RANK=str(rank), WORLD_SIZE=str(count), LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
                with world("cpu", "fp32") as here:
                    work(here)  # type: ignore[operator]
                    here.barrier()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        children.append(child)
    codes = wait(children, 60)
    assert codes is not None
    return codes


def test_what_ranks_share(tmp_path: Path) -> None:
    def work(here: World) -> None:
        assert here.size == 3
        assert here.first is (here.rank == 0)
        assert here.share("grüße" * 50 if here.first else None) == "grüße" * 50
        assert here.share("" if here.first else None) == ""
        assert here.total(torch.tensor([1.0, here.rank])).tolist() == [3.0, 3.0]
        wrapped = here.wrap(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
        assert isinstance(wrapped, nn.parallel.DistributedDataParallel)
        assert isinstance(wrapped.module[1], GlobalBatchNorm)
        (tmp_path / str(here.rank)).touch()

    assert ranks(3, work) == [0, 0, 0]
    assert len(list(tmp_path.iterdir())) == 3
