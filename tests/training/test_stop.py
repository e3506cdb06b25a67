"""A request to stop: heard once, agreed by all, and the old handlers come back."""

from __future__ import annotations

import os
import signal
import threading

import pytest
import torch

from tests.training.small import HERE
from tests.training.test_world import ranks
from vesalius.training.stop import SIGNALS, StopRequests
from vesalius.training.world import World


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_asks_and_does_not_kill(number: int) -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with StopRequests(HERE) as stop:
        assert not stop.agreed()
        os.kill(os.getpid(), number)
        assert stop.agreed()
        os.kill(os.getpid(), signal.SIGTERM)  # a scheduler may ask again
        assert stop.agreed()
    assert [signal.getsignal(n) for n in SIGNALS] == before


def test_a_second_interrupt_is_meant() -> None:
    with StopRequests(HERE) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.agreed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_in_another_thread_signals_are_left_alone() -> None:
    found: list[bool] = []

    def work() -> None:
        with StopRequests(HERE) as stop:
            found.append(stop.agreed())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False]


def test_what_one_rank_hears_all_obey_a_step_later_where_the_host_looks_late(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(here: World) -> None:
        with StopRequests(here) as stop:
            assert not stop.agreed()
            if here.rank == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            assert not stop.agreed()
            assert stop.agreed()

    monkeypatch.setattr(World, "late", property(lambda _: True))
    assert ranks(2, work) == [0, 0]


def test_what_one_rank_hears_all_obey() -> None:
    def work(here: World) -> None:
        with StopRequests(here) as stop:
            assert not stop.agreed()
            if here.rank == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            assert stop.agreed()
            assert stop.asked is (here.rank == 1)

    assert ranks(2, work) == [0, 0]
    assert torch.get_num_threads() == 1
