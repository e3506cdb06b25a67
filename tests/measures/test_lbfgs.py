"""L-BFGS finds the minima that are known in closed form, with any preconditioner, and says when it stopped short."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vesalius.measures.lbfgs import MEMORY, Minimum, Pairs, _Inverse, minimise


def quadratic(matrix: Tensor, target: Tensor):
    """(x - target)' matrix (x - target) / 2 and its gradient."""
    return lambda x: ((x - target) @ matrix @ (x - target) / 2, matrix @ (x - target))


def solve(objective, point: Tensor, curvature: Tensor | None = None, most: int = 200) -> Minimum:
    return minimise(objective, point, torch.ones_like(point) if curvature is None else curvature, tolerance=1e-9, max_iterations=most)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(0, 10_000), st.floats(-3, 3))
def test_a_quadratic_ends_at_its_minimum(dims: int, seed: int, stretch: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    half = torch.randn(dims, dims, generator=generator, dtype=torch.float64)
    matrix = half @ half.T + torch.diag(torch.logspace(0, stretch, dims, dtype=torch.float64))
    target = torch.randn(dims, generator=generator, dtype=torch.float64)
    for curvature in (torch.ones(dims, dtype=torch.float64), matrix.diagonal().clone()):
        found = solve(quadratic(matrix, target), torch.zeros(dims, dtype=torch.float64), curvature)
        assert found.converged
        torch.testing.assert_close(found.point, target, rtol=1e-6, atol=1e-6)


def test_the_exact_curvature_of_a_diagonal_needs_one_step() -> None:
    diagonal = torch.tensor([1.0, 10.0, 1000.0], dtype=torch.float64)
    target = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    assert solve(quadratic(torch.diag(diagonal), target), torch.zeros(3, dtype=torch.float64), diagonal).iterations == 1


def test_a_curved_valley() -> None:
    def rosenbrock(x: Tensor) -> tuple[Tensor, Tensor]:
        point = x.clone().requires_grad_()
        value = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
        return value.detach(), torch.autograd.grad(value, point)[0]

    found = solve(rosenbrock, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    torch.testing.assert_close(found.point, torch.ones(2, dtype=torch.float64), rtol=1e-6, atol=1e-6)
    assert len(found.pairs) <= MEMORY


def test_too_few_iterations_are_said() -> None:
    matrix = torch.diag(torch.logspace(0, 4, 6, dtype=torch.float64))
    found = solve(quadratic(matrix, torch.ones(6, dtype=torch.float64)), torch.zeros(6, dtype=torch.float64), most=2)
    assert (found.converged, found.iterations) == (False, 2)


def test_the_direction_is_that_of_the_two_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    dims = 9
    half = torch.randn(dims, dims, generator=generator, dtype=torch.float64)
    matrix, guess = half @ half.T + torch.eye(dims), torch.rand(dims, generator=generator, dtype=torch.float64) + 0.5
    known = _Inverse(Pairs(guess), guess)
    steps = torch.randn(MEMORY + 3, dims, generator=generator, dtype=torch.float64)
    for step in steps:
        known.learn(step, matrix @ step)
    gradient = torch.randn(dims, generator=generator, dtype=torch.float64)
    pairs = [(s, matrix @ s) for s in steps[-MEMORY:]]
    rest, shares = gradient.clone(), []
    for s, y in reversed(pairs):
        shares.append((s @ rest) / (s @ y))
        rest -= shares[-1] * y
    s, y = pairs[-1]
    rest = rest / guess * (s @ y) / (y @ (y / guess))
    for (s, y), share in zip(pairs, reversed(shares)):
        rest += (share - (y @ rest) / (s @ y)) * s
    torch.testing.assert_close(known.times(gradient), rest, rtol=1e-6, atol=1e-8)
    assert len(known.pairs) == MEMORY
    known.forget()
    torch.testing.assert_close(known.times(gradient), gradient / guess)


def test_the_curvature_is_made_where_there_is_a_step_to_take() -> None:
    made = []

    def curvature(point: Tensor) -> Tensor:
        made.append(point)
        return torch.ones_like(point)

    matrix, target = torch.eye(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    objective = quadratic(matrix, target)
    assert minimise(objective, target, curvature, tolerance=1e-9, max_iterations=5).iterations == 0
    assert not made
    assert minimise(objective, 0 * target, curvature, tolerance=1e-9, max_iterations=5).converged
    assert len(made) == 1


def test_the_size_of_the_gradient_can_be_measured_otherwise() -> None:
    objective = quadratic(torch.eye(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    start = torch.zeros(2, dtype=torch.float64)
    found = minimise(objective, start, torch.ones_like(start), tolerance=1.5, max_iterations=5, size=torch.linalg.vector_norm)
    assert (found.iterations, found.converged) == (0, True)
