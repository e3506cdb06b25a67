"""DINO's loss against a slow version and lightly, its head, its schedules, the centre, and what stands still when."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from lightly.loss import DINOLoss
from lightly.models.modules.heads import DINOProjectionHead
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.methods import cases
from tests.training.small import Small, Unwatched
from tests.training.test_world import ranks
from vesalius import views
from vesalius.encoders import build_encoder
from vesalius.encoders.probing import dummy_forward
from vesalius.encoders.projector import MLP
from vesalius.methods.dino import DINO, Config, Prototypes, build, cosines, cross_entropy, teacher_temperature_at
from vesalius.recipes.loading import load_pretrain
from vesalius.training.method import Output, Progress
from vesalius.training.schedule import Warmup
from vesalius.training.world import World
from vesalius.views.batch import Batch

AT = Progress(3, 100, 0, 10.0, 10)


def logits(views: int = 5, targets: int = 2, rows: int = 4, count: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Cosines of the student, of the teacher, and a centre."""
    g = torch.Generator().manual_seed(0)
    student, teacher = (torch.rand(n, rows, count, generator=g, dtype=torch.float64) * 2 - 1 for n in (views, targets))
    return student.requires_grad_(), teacher, torch.rand(count, generator=g, dtype=torch.float64) * 0.2


def slow(student: Tensor, teacher: Tensor, centre: Tensor, ts: float, tt: float) -> Tensor:
    """Algorithm 1 of the paper, sample by sample and pair by pair."""
    losses = []
    for b in range(student.shape[1]):
        terms = []
        for i, t in enumerate(teacher[:, b]):
            exponent = torch.exp((t - centre) / tt)
            p = exponent / exponent.sum()
            for j, s in enumerate(student[:, b]):
                if i != j:
                    terms.append(-(p * torch.log(torch.exp(s / ts) / torch.exp(s / ts).sum())).sum())
        losses.append(sum(terms) / len(terms))
    return torch.stack(losses)


@pytest.mark.parametrize(("views", "targets"), [(2, 2), (5, 2), (6, 3)])
def test_equals_the_slow_version(views: int, targets: int) -> None:
    student, teacher, centre = logits(views, targets)
    weights = torch.linspace(0.5, 2, 4, dtype=torch.float64)
    ours, theirs = cross_entropy(student, teacher, centre, 0.1, 0.05), slow(student, teacher, centre, 0.1, 0.05)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(torch.autograd.grad((loss * weights).sum(), student)[0] for loss in (ours, theirs)))


@pytest.mark.parametrize("views", [2, 6])
def test_equals_lightly_with_its_centre(views: int) -> None:
    """Values, gradients, and the centre over three steps."""
    peer, method = DINOLoss(24), small()
    for step in range(3):
        g = torch.Generator().manual_seed(step)
        student, teacher = (torch.rand(n, 6, 24, generator=g) * 2 - 1 for n in (views, 2))
        student.requires_grad_()
        ours = cross_entropy(student, teacher, method.centre, 0.1, 0.05).mean()
        theirs = peer(list(teacher), list(student), teacher_temp=0.05)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(*(torch.autograd.grad(loss, student)[0] for loss in (ours, theirs)), rtol=1e-5, atol=1e-6)
        say(method, teacher)
        method.after_step(Output({}), AT)
        torch.testing.assert_close(method.centre, peer.center[0, 0], rtol=1e-5, atol=1e-6)
    assert float(method.centre.abs().max()) > 0.01


def test_gradcheck() -> None:
    student, teacher, centre = logits(3, 2, 2, 4)
    assert torch.autograd.gradcheck(lambda s: cross_entropy(s, teacher, centre, 0.3, 0.2), (student,))


def test_closed_forms() -> None:
    none, centre = torch.zeros(3, 4, 7, dtype=torch.float64), torch.zeros(7, dtype=torch.float64)
    torch.testing.assert_close(cross_entropy(none, none[:2], centre, 0.1, 0.04), torch.full((4,), math.log(7), dtype=torch.float64))
    sure = none.clone()
    sure[..., 2] = 1.0  # exp(10) against six at exp(0); the teacher is sure of it: exp(25)
    expected = -(10 - math.log(math.exp(10) + 6))
    wrong = 6 / (math.exp(25) + 6) * 10
    torch.testing.assert_close(cross_entropy(sure, sure[:2], centre, 0.1, 0.04), torch.full((4,), expected + wrong, dtype=torch.float64))


def test_symmetries() -> None:
    student, teacher, centre = logits()
    base = cross_entropy(student, teacher, centre, 0.1, 0.05)
    prototypes, samples = torch.randperm(7), torch.tensor([2, 0, 3, 1])
    same = cross_entropy(student[..., prototypes], teacher[..., prototypes], centre[prototypes], 0.1, 0.05)
    torch.testing.assert_close(same, base)
    torch.testing.assert_close(cross_entropy(student[:, samples], teacher[:, samples], centre, 0.1, 0.05), base[samples])
    torch.testing.assert_close(cross_entropy(student[[1, 0, 4, 2, 3]], teacher[[1, 0]], centre, 0.1, 0.05), base)
    torch.testing.assert_close(cross_entropy(student + 3, teacher + centre, centre * 2 - 1, 0.1, 0.05), base)
    assert not torch.allclose(cross_entropy(student[[1, 0, 2, 3, 4]], teacher, centre, 0.1, 0.05), base), "pairs are of unlike views"


def test_autocast_changes_neither_loss_nor_cosines() -> None:
    student, teacher, centre = (t.detach().float() for t in logits(count=32))
    x, direction = torch.randn(8, 16), torch.randn(32, 16)
    plain = cross_entropy(student, teacher, centre, 0.1, 0.04), cosines(x, direction)
    with torch.autocast("cpu", torch.bfloat16):
        cast = cross_entropy(student, teacher, centre, 0.1, 0.04), cosines(x, direction)
    assert all(torch.equal(a, b) for a, b in zip(plain, cast))


@pytest.mark.parametrize("norm", [True, False])
def test_the_head_equals_lightlys_with_its_weights(norm: bool) -> None:
    torch.manual_seed(0)
    peer = DINOProjectionHead(8, 16, 6, 24, norm_last_layer=norm)
    projector, prototypes = MLP(8, 16, 6, layers=3, norm=False, gelu=True), Prototypes(6, 24, norm)
    state = peer.state_dict()
    projector.load_state_dict({k.removeprefix("layers."): v for k, v in state.items() if k.startswith("layers.")})
    lengths = torch.ones(24, 1) if norm else torch.rand(24, 1) + 0.5
    with torch.no_grad():
        peer.last_layer.weight_g.copy_(lengths)
        prototypes.direction.copy_(peer.last_layer.weight_v)
        if prototypes.length is not None:
            prototypes.length.copy_(lengths)
    x, weights = torch.rand(5, 8), torch.rand(5, 24)
    ours, theirs = prototypes(projector(x)), peer(x)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    torch.testing.assert_close(prototypes.direction.grad, peer.last_layer.weight_v.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(projector[0].weight.grad, peer.layers[0].weight.grad, rtol=1e-4, atol=1e-7)
    assert (prototypes.length is None) == norm == (not peer.last_layer.weight_g.requires_grad)
    if prototypes.length is not None:
        torch.testing.assert_close(prototypes.length.grad, peer.last_layer.weight_g.grad, rtol=1e-4, atol=1e-6)


def test_prototypes_are_plain_tensors_that_copy_and_travel(tmp_path: Path) -> None:
    mine = Prototypes(6, 24, False)
    twin = copy.deepcopy(mine)
    save_file(mine.state_dict(), tmp_path / "p.safetensors")
    with torch.no_grad():
        mine.direction.mul_(-1)
    x = torch.rand(2, 6)
    torch.testing.assert_close(twin(x), -mine(x))
    mine.load_state_dict(load_file(tmp_path / "p.safetensors"))
    assert torch.equal(twin(x), mine(x))


@pytest.mark.parametrize(
    ("warmup", "step", "expected"),
    [
        (Warmup(share=0.2), 0, 0.04), (Warmup(share=0.2), 10, 0.055), (Warmup(share=0.2), 20, 0.07), (Warmup(share=0.2), 99, 0.07),
        (Warmup(epochs=3), 15, 0.055), (Warmup(steps=10), 5, 0.055), (Warmup(steps=0), 0, 0.04), (Warmup(steps=0), 1, 0.07),
        (Warmup(epochs=30), 34, 0.07), (Warmup(epochs=30), 0, 0.04),
    ],
)  # fmt: skip
def test_the_teachers_temperature(warmup: Warmup, step: int, expected: float) -> None:
    at = Progress(step, 100, step // 10, 10.0, 10)
    assert teacher_temperature_at(Config(teacher_warmup=warmup), at) == pytest.approx(expected)


# ---- the method


def small(**fields: object) -> DINO:
    method = cases.build("dino")
    assert isinstance(method, DINO)
    return DINO(method.encoder, method.config.model_copy(update=fields)) if fields else method


def say(method: DINO, teacher: Tensor) -> None:
    """As if these were the outputs of the teacher (T, B, K) in a step."""
    method.summed[:-1] += teacher.sum((0, 1))
    method.summed[-1] += teacher.shape[0] * teacher.shape[1]


def transformer(**options: object) -> DINO:
    fields = {"patch_size": 4, "depth": 2, "embed_dim": 24, "num_heads": 2, **options}
    encoder = build_encoder("timm:vit_tiny_patch16_224", channels=1, size=(16, 16), **fields)  # type: ignore[arg-type]
    torch.manual_seed(0)
    return build(encoder, Config(hidden=16, dim=8, prototypes=12)).train()


def batch(local: int = 3, rows: int = 4, sides: tuple[int, int] = (16, 8)) -> Batch:
    g = torch.Generator().manual_seed(1)
    views = {"global": torch.rand(2, rows, 1, sides[0], sides[0], generator=g)}
    if local:
        views["local"] = torch.rand(local, rows, 1, sides[1], sides[1], generator=g)
    return Batch(views, {}, torch.arange(rows))


@pytest.mark.parametrize("local", [0, 1, 3])
def test_any_number_of_local_views(local: int) -> None:
    method = small().eval()  # without a batch's statistics each view can be done alone
    given = batch(local)
    out = method(given, AT)
    crops = [view for group in given.views.values() for view in group]
    student = torch.stack([method.prototypes(method.projector(method.encoder(v).pooled)) for v in crops])
    teacher = torch.stack([method.teacher_prototypes(method.teacher_projector(method.teacher_encoder(v).pooled)) for v in crops[:2]])
    expected = slow(student.double(), teacher.double(), method.centre.double(), 0.1, teacher_temperature_at(method.config, AT))
    torch.testing.assert_close(out.parts["dino"].double(), expected, rtol=1e-5, atol=1e-5)
    assert not method.summed.any(), "an evaluation leaves no trace"
    method.training = True  # of itself, not of its batch norms
    method(given, AT)
    torch.testing.assert_close(method.summed, torch.cat([teacher.sum((0, 1)), torch.tensor([8.0])]))


def test_micro_batches_are_one_batch() -> None:
    """Where there is no batch norm: gradient and centre."""
    whole, parts = transformer(), transformer()
    given = batch(rows=6)
    (whole(given, AT).parts["dino"].sum() / 6).backward()
    for rows in (slice(0, 4), slice(4, 6)):
        micro = Batch({k: v[:, rows] for k, v in given.views.items()}, {}, given.ids[rows])
        (parts(micro, AT).parts["dino"].sum() / 6).backward()
    for (name, a), b in zip(whole.named_parameters(), parts.parameters()):
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6, msg=name)
    for method in (whole, parts):
        method.after_step(Output({}), AT)
    torch.testing.assert_close(whole.centre, parts.centre)
    assert whole.centre.any()


def test_one_forward_for_each_size() -> None:
    method, seen = small(), []
    for name in ("encoder", "teacher_encoder"):
        getattr(method, name).register_forward_hook(lambda m, given, out, name=name: seen.append((name, tuple(given[0].shape))))
    method(batch(), AT)
    assert seen == [("teacher_encoder", (8, 1, 16, 16)), ("encoder", (8, 1, 16, 16)), ("encoder", (12, 1, 8, 8))]


def test_gradient_reaches_the_student_alone() -> None:
    method = small(norm_last_layer=False)
    method(batch(), AT).parts["dino"].sum().backward()
    for name, parameter in method.named_parameters():
        assert (parameter.grad is None) == name.startswith("teacher_"), name


def test_the_teacher_and_the_centre_move_by_the_rule_and_stay_where_told() -> None:
    for finite, moves in ((None, True), (torch.tensor(True), True), (torch.tensor(False), False)):
        method = small()
        with torch.no_grad():
            for parameter in (*method.encoder.parameters(), *method.prototypes.parameters()):
                parameter.add_(1.0)
        before = {k: v.clone() for k, v in method.state_dict().items()}
        teacher = torch.rand(2, 4, 24)
        say(method, teacher if moves else teacher * math.nan)
        method.after_step(Output({}, finite=finite), AT)
        assert not method.summed.any()
        momentum = 1 - (1 - 0.996) * (math.cos(math.pi * 0.03) + 1) / 2
        after = method.state_dict()
        for key in ("encoder.network.conv1.weight", "prototypes.direction"):
            expected = momentum * before[f"teacher_{key}"] + (1 - momentum) * before[key]
            torch.testing.assert_close(after[f"teacher_{key}"], expected if moves else before[f"teacher_{key}"])
        torch.testing.assert_close(after["centre"], 0.1 * teacher.mean((0, 1)) if moves else before["centre"])


def test_the_centre_is_that_of_all_ranks_though_uneven() -> None:
    teacher = torch.rand(2, 9, 24, generator=torch.Generator().manual_seed(0))
    whole = small()
    say(whole, teacher)
    whole.after_step(Output({}), AT)
    cuts = (0, 4, 5, 9)

    def work(here: World) -> None:
        mine = small()
        say(mine, teacher[:, cuts[here.rank] : cuts[here.rank + 1]])
        mine.after_step(Output({}), AT)
        torch.testing.assert_close(mine.centre, whole.centre)

    assert ranks(3, work) == [0, 0, 0]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lars"])
def test_the_prototypes_stand_still_in_the_first_epoch(optimizer: str, tmp_path: Path) -> None:
    """Four steps are an epoch of this run."""
    first = cases.build("dino").prototypes.direction.detach()
    for steps, moved in ((4, False), (6, True)):
        run = Small(tmp_path / str(steps), "dino", steps=steps, watch=Unwatched(), optimizer=optimizer)
        run.run()
        assert torch.equal(run.method.prototypes.direction, first) != moved
        assert torch.equal(run.method.teacher_prototypes.direction, first) or moved
        remembered = [key for key in run.stepper.state() if key.startswith("prototypes.")]
        assert bool(remembered) == moved


def test_freezing_follows_the_epochs_asked_for() -> None:
    for epochs, factors in ((0, [1, 1, 1]), (1, [0, 1, 1]), (2, [0, 0, 1])):
        last = small(freeze_last_layer=epochs, norm_last_layer=False).groups()[-1]
        assert [last.lr(Progress(10 * e, 100, e, 10.0, 10)) for e in range(3)] == factors
        assert len(last.params) == 2


def test_a_transformer_takes_crops_of_another_size() -> None:
    """Positions are interpolated to the local grid; every parameter learns, and depth is stochastic for the student alone."""
    method = transformer(drop_path_rate=0.5)
    out = method(batch(), AT)
    out.parts["dino"].sum().backward()
    assert torch.isfinite(out.parts["dino"]).all()
    assert all(p.grad is not None for n, p in method.named_parameters() if p.requires_grad)
    student, teacher = (e(batch().views["global"][0]).pooled for e in (method.encoder, method.teacher_encoder))
    assert not torch.allclose(student, teacher)
    torch.testing.assert_close(method.encoder.eval()(batch().views["global"][0]).pooled, teacher)


@pytest.mark.parametrize("name", ["cifar10-dino", "pneumonia-dino-96", "pneumonia-dino-224"])
def test_the_networks_of_the_recipes_take_both_sizes(name: str) -> None:
    config, _ = load_pretrain(name)
    makes = views.load(config.views, 1).makes
    encoder = build_encoder(config.encoder.name, channels=1, size=makes["global"][1], **config.encoder.fields)
    pooled = [dummy_forward(encoder, 1, size).pooled for _, size in makes.values()]
    assert [tuple(p.shape) for p in pooled] == [(2, encoder.card.dim)] * 2


def test_what_is_kept() -> None:
    method = small().eval()
    assert next(iter(method.exports().values())) is method.teacher_encoder
    projected = method.project(torch.rand(3, method.encoder.card.dim))
    assert projected.shape == (3, 16)
    torch.testing.assert_close(projected.norm(dim=1), torch.ones(3))
    assert isinstance(method.teacher_projector, MLP), "so that it is saved beside the encoder"
    own = {k for k in method.state_dict() if not k.startswith(("teacher_", "encoder.", "projector."))}
    assert own == {"centre", "prototypes.direction"}
