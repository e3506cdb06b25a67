from __future__ import annotations

import torch

from vesalius.evaluate.judged.tempering import fitted, tempered

GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.randint(0, 3, (400,), generator=GENERATOR).float()
LOGITS = torch.randn(400, 3, generator=GENERATOR) + 1.5 * torch.nn.functional.one_hot(LABELS.long(), 3)


def test_answers_that_are_too_sure_are_cooled_and_keep_their_order() -> None:
    sure = (4 * LOGITS).softmax(1)
    found = fitted("classes", LABELS, sure)
    assert found.temperature > 2
    cooled = tempered("classes", sure, found.temperature)
    torch.testing.assert_close(cooled.sum(1), torch.ones(400, dtype=torch.float64))
    assert bool((cooled.argmax(1) == sure.argmax(1)).all())
    assert float(cooled.max(1).values.mean()) < float(sure.max(1).values.mean())


def test_rows_that_were_not_held_out_count_for_nothing() -> None:
    answers = LOGITS.softmax(1)
    more = torch.cat([answers, torch.full((5, 3), torch.nan)])
    assert fitted("classes", torch.cat([LABELS, torch.zeros(5)]), more).temperature == fitted("classes", LABELS, answers).temperature


def test_a_temperature_of_one_changes_nothing() -> None:
    answers = LOGITS.sigmoid()
    torch.testing.assert_close(tempered("multilabel", answers, 1.0), answers.double(), atol=1e-5, rtol=0)
