"""Several gloo processes give one process's loss and gradient, for every registered method."""

import json

import pytest

from tests.reliability import zygote
from vesalius import registry


def parity(method: str, world: int, precision: str) -> dict[str, list[float]]:
    done = zygote.run("tests.reliability.parity", method, world, precision)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


METHODS = sorted(registry.names("methods"))
MEETING = ("dino", "moco", "simclr", "vicreg")
"""Methods in whose loss the samples of all processes meet: a centre, a queue, negatives, covariances."""


@pytest.mark.parametrize(("world", "method"), [*((2, method) for method in METHODS), *((3, method) for method in MEETING)])
def test_many_processes_are_one(world: int, method: str) -> None:
    found = parity(method, world, "fp64")
    assert max(found["loss"]) < 1e-6, found  # the views themselves are single precision
    assert max(found["gradient"]) < 2e-5, found


@pytest.mark.parametrize("method", METHODS)
def test_in_single_precision_the_first_step_agrees(method: str) -> None:
    found = parity(method, 2, "fp32")
    assert max(found["loss"]) < 1e-5, found
    assert found["gradient"][0] < 1e-4, found
