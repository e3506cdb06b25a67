"""The loss is MONAI's DiceCELoss, sample by sample."""

from __future__ import annotations

import pytest
import torch

from vesalius.tasks.dice import dice_ce


@pytest.mark.parametrize("include_background", [True, False])
def test_its_mean_and_gradient_are_monai_s(include_background: bool) -> None:
    from monai.losses.dice import DiceCELoss

    torch.manual_seed(0)
    logits = torch.randn(3, 5, 6, 7, 4, requires_grad=True)
    labels = torch.randint(0, 4, (3, 6, 7, 4))  # class 4 is nowhere
    dice, entropy = dice_ce(logits, labels, include_background=include_background)
    ours = (dice + entropy).mean()
    theirs = DiceCELoss(to_onehot_y=True, softmax=True, include_background=include_background)(logits, labels[:, None])
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


def test_a_sample_s_loss_knows_no_other_sample() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 3, 5, 5, 5), torch.randint(0, 3, (4, 5, 5, 5))
    whole = dice_ce(logits, labels)
    halves = [dice_ce(logits[part], labels[part]) for part in (slice(0, 1), slice(1, 4))]
    for k in (0, 1):
        torch.testing.assert_close(whole[k], torch.cat([half[k] for half in halves]))


def test_half_precision_is_widened() -> None:
    logits = torch.randn(2, 3, 4, 4, 4).bfloat16()
    labels = torch.randint(0, 3, (2, 4, 4, 4), dtype=torch.uint8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = dice_ce(logits, labels)
    assert found[0].dtype == torch.float32
    torch.testing.assert_close(found, dice_ce(logits.float(), labels))
