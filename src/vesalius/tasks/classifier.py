"""A fine-tuned model: an encoder, a head and the temperature that makes its probabilities believable.

On disk: the encoder as ``encoder.safetensors`` and ``encoder.json``, the head as ``classifier.safetensors`` and
``classifier.json``. The last file is written last: where it is, the model is whole.
"""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vesalius.data.task import TaskSpec
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import load_encoder
from vesalius.encoders.saving import save_encoder, tensor_bytes
from vesalius.errors import UserError
from vesalius.files import atomic_write
from vesalius.tasks import heads
from vesalius.tasks.finished import FILES, finished

FACTS, WEIGHTS = FILES["classifier"]


class Classifier(nn.Module):
    """Maps ``(B, C, *size)``, floats in [0, 1] as the encoder's card prepares them, to logits and probabilities.

    ``task`` says what the outputs are. ``temperature`` divides the logits before they become probabilities; it is 1 for
    a regression, whose "probabilities" are the predicted quantity in its own units, (B, 1).
    """

    def __init__(self, encoder: Encoder, head: heads.Head, temperature: float = 1.0) -> None:
        super().__init__()
        self.encoder, self.head, self.temperature = encoder, head, temperature

    @property
    def task(self) -> TaskSpec:
        """What is predicted."""
        return self.head.task

    def forward(self, x: Tensor) -> Tensor:
        """The same as ``probabilities``."""
        return self.probabilities(x)

    def logits(self, x: Float[Tensor, "batch channel *size"]) -> Float[Tensor, "batch outputs"]:
        """What the head puts out, before the temperature."""
        return self.head_logits(self.encoder(x).pooled)

    def head_logits(self, pooled: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch outputs"]:
        """Logits of vectors that were computed before, such as cached features."""
        found: Tensor = self.head(pooled.float())
        return found

    def probabilities(self, x: Float[Tensor, "batch channel *size"]) -> Float[Tensor, "batch outputs"]:
        """Probability of each class or label; of a regression the quantity."""
        return self.cooled(self.logits(x))

    def cooled(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch outputs"]:
        """Probabilities of logits, after the temperature."""
        return self.head.probabilities(logits.float() / self.temperature)

    def save(self, folder: str | Path) -> None:
        """Write encoder and head into ``folder``, ``classifier.json`` last."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_encoder(self.encoder, folder)
        atomic_write(folder / WEIGHTS, tensor_bytes(self.head.state_dict()))
        facts = {
            "task": self.task.as_dict(),
            "dim": self.head.dim,
            "temperature": self.temperature,
            "input": "pooled",
            "versions": {name: metadata.version(name) for name in ("vesalius", "torch")},
        }
        atomic_write(folder / FACTS, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, run: str | Path, *, code: str | Path | None = None) -> Classifier:
        """The model of a fine-tuned run (folder, id or ``latest``), in evaluation mode.

        ``code``: the user's file, where the network is one. Raises UserError where there is none.
        """
        folder = finished(run, "classifier")
        try:
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            head = heads.empty(TaskSpec(**facts["task"]), int(facts["dim"]))
            temperature = float(facts["temperature"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{folder / FACTS} is not what `vesalius finetune` writes ({error}). Fine-tune again.") from None
        from safetensors.torch import load_file

        tensors = load_file(folder / WEIGHTS)
        mine = head.state_dict()
        if tensors.keys() != mine.keys() or any(tensors[k].shape != mine[k].shape for k in mine):
            raise UserError(f"{folder / WEIGHTS} does not fit {FACTS} beside it: one of them is of another run. Fine-tune again.")
        head.load_state_dict(tensors)
        model = cls(load_encoder(folder, code=code), head, temperature)
        torch.nn.Module.eval(model)
        return model
