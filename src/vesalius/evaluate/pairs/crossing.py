"""Learnt on one data set, asked about another: two pairs of one encoder as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.evaluate.pairs.pair import Pair, Split

_SAYS_NOTHING = {"no", "yes", "negative", "positive", "false", "true", "absent", "present"}
"""Names of classes that mean something only with what was asked."""


class Crossed(Pair):
    """Training and validation samples of ``source``, with their labels numbered as ``target`` does; test samples of ``target``.

    ``order``: the target's number of each class of the source; see ``matched``. The name is ``SOURCE-to-TARGET``.
    """

    def __init__(self, source: Pair, target: Pair, order: tuple[int, ...]) -> None:
        super().__init__(target.encoder, target.data, f"{source.dataset}-to-{target.dataset}", target.asked)
        self.source, self.target, self.order = source, target, order

    def _split(self, name: str) -> Split:
        if name == "test":
            return self.target.split(name)
        part = self.source.split(name)
        return replace(part, labels=renumbered(part.labels, self.order, self.kind == "multilabel"))

    def features(self, name: str, layer: str = "pooled") -> Float[Tensor, "samples dim"]:
        """See ``Pair``."""
        return (self.target if name == "test" else self.source).features(name, layer)

    @property
    def key(self) -> str:
        """See ``Pair``."""
        return f"{self.source.key} {self.target.key} {self.order}"


def renumbered(labels: Float[Tensor, "samples ..."], order: tuple[int, ...], several: bool) -> Float[Tensor, "samples ..."]:
    """``labels`` of class i as class ``order[i]``; of several labels the columns in that order."""
    if order == tuple(range(len(order))):
        return labels
    if several:
        return torch.empty_like(labels).index_copy_(1, torch.tensor(order), labels)
    if len(order) == 2:
        return 1 - labels  # also of a label between no and yes
    return torch.tensor(order, dtype=labels.dtype)[labels.long()]


def matched(source: TaskSpec, target: TaskSpec, between: str, names: Mapping[str, str]) -> tuple[int, ...]:
    """The number in ``target`` of each class of ``source``; they are the same by name, case aside, once ``names`` has renamed them.
    Where all of these are a yes, a no or numbers, what is asked, the label, has to be the same too.

    ``between``: whose tasks these are, for the UserError where classes differ.
    """
    renamed = {old.casefold(): new.casefold() for old, new in names.items()}

    def called(several: Sequence[str]) -> list[str]:
        return [renamed.get(name.casefold(), name.casefold()) for name in several]

    one, other = called(source.classes), called(target.classes)
    if all(name in _SAYS_NOTHING or name.isdecimal() for name in one) and called(source.labels) != called(target.labels):
        raise UserError(
            f"{between}: {', '.join(source.classes)} of {', '.join(source.labels)} there, and of {', '.join(target.labels)} here: nothing says that this "
            "is the same question. If it is, say so with --transfer.names '{label: other label}'; else name other tasks after the data (NAME:TASK)."
        )
    if (source.kind == "multilabel") != (target.kind == "multilabel") or sorted(one) != sorted(other) or len(set(one)) < len(one):
        raise UserError(
            f"{between}: the classes are not the same: {', '.join(source.classes)} ({source.kind}) there, {', '.join(target.classes)} ({target.kind}) "
            "here. Name tasks with the same classes after the data (NAME:TASK), or say which is which with --transfer.names '{name: other name}'."
        )
    return tuple(other.index(name) for name in one)
