from __future__ import annotations

import torch

from vesalius.evaluate.cost import Clock, peak_memory_mb


def test_stages_share_the_time_between_them() -> None:
    clock = Clock(0.0)
    began = clock.began
    clock.stop("first")
    clock.stop("second")
    found = clock.cost(torch.device("cpu"), "fp32")
    assert list(found["time_by_stage"]) == ["first", "second"]
    assert abs(sum(found["time_by_stage"].values()) - found["seconds"]) < 1e-9
    assert began + found["seconds"] == clock.last


def test_memory_is_that_of_this_process_in_mib() -> None:
    before = peak_memory_mb(torch.device("cpu"))
    held = torch.ones(1 << 22)
    after = peak_memory_mb(torch.device("cpu"))
    assert 20 < before <= after < 1 << 20
    assert len(held) == 1 << 22
