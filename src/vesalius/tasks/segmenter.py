"""A segmentation model: an encoder, a decoder on its feature maps, and what the labels are.

On disk: the encoder as ``encoder.safetensors`` and ``encoder.json``, the decoder as ``segmenter.safetensors`` and
``segmenter.json``. The last file is written last: where it is, the model is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from pydantic import ValidationError
from torch import Tensor, nn

from vesalius import random, registry
from vesalius.data.task import TaskSpec
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.loading import load_encoder
from vesalius.encoders.probing import pyramid_shapes
from vesalius.encoders.saving import save_encoder, tensor_bytes
from vesalius.errors import UserError
from vesalius.files import atomic_write
from vesalius.tasks.finished import FILES, finished

FACTS, WEIGHTS = FILES["segmenter"]


class Segmenter(nn.Module):
    """Maps patches ``(B, C, *patch)``, values as the card's plan prepares them, to logits ``(B, L + 1, *patch)``.

    ``task.classes`` names the L + 1 values of a label volume, the background first. ``decoder`` is one of ``tasks.decoders`` by its
    ``name``, made with ``fields``.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module, task: TaskSpec, name: str, fields: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder, self.decoder, self.task, self.name, self.fields = encoder, decoder, task, name, dict(fields)

    @classmethod
    def build(cls, encoder: Encoder, task: TaskSpec, name: str = "auto", *, seed: int = 0, **fields: Any) -> Segmenter:
        """``encoder`` under the decoder ``name``, of random weights by ``seed``; auto: the first that fits.

        Raises UserError for a decoder that is unknown or does not fit.
        """
        chosen = _fitting(encoder.card) if name == "auto" else name
        module = registry.entry("decoders", chosen)
        if reason := module.refusal(encoder.card):
            raise UserError(
                f"The decoder {chosen} does not fit the encoder {encoder.card.architecture}: {reason}. Leave decoder.name at auto, or "
                "name another encoder."
            )
        try:
            config = module.Config.model_validate(fields)
        except ValidationError as error:
            fault = error.errors()[0]
            raise UserError(
                f"decoder.{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}. The decoder {chosen} knows "
                f"{', '.join(module.Config.model_fields)}."
            ) from None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(random.torch_seed("decoder", seed))
            decoder = module.build(encoder.card, pyramid_shapes(encoder, encoder.card.channels, encoder.card.size), len(task.classes), config)
        return cls(encoder, decoder, task, chosen, config.model_dump())

    def forward(self, x: Float[Tensor, "batch channel x y z"]) -> Float[Tensor, "batch classes x y z"]:
        """Logits of every voxel."""
        logits: Tensor = self.decoder(x, self.encoder.pyramid(x))
        return logits

    def monai_state_dict(self) -> dict[str, Tensor]:
        """The tensors of encoder and decoder under the names of MONAI's own network (``UNETR``, ``SwinUNETR``, ``SegResNetDS``)."""
        prefix: str = registry.entry("decoders", self.name).PREFIX
        below = {f"{prefix}{name}": tensor for name, tensor in self.encoder.network.state_dict().items()}
        return below | self.decoder.state_dict()

    def save(self, folder: str | Path) -> None:
        """Write encoder and decoder into ``folder``, ``segmenter.json`` last."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_encoder(self.encoder, folder)
        atomic_write(folder / WEIGHTS, tensor_bytes(self.decoder.state_dict()))
        facts = {
            "task": self.task.as_dict(),
            "decoder": self.name,
            "fields": self.fields,
            "versions": {name: metadata.version(name) for name in ("vesalius", "torch", "monai")},
        }
        atomic_write(folder / FACTS, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, run: str | Path, *, code: str | Path | None = None) -> Segmenter:
        """The model of a run of segmentation (folder, id or ``latest``), in evaluation mode.

        ``code``: the user's file, where the encoder is one. Raises UserError where there is none.
        """
        folder = finished(run, "segmenter")
        encoder = load_encoder(folder, code=code)
        try:
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            model = cls.build(encoder, TaskSpec(**facts["task"]), facts["decoder"], **facts["fields"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{folder / FACTS} is not what `vesalius finetune` writes ({error}). Fine-tune again.") from None
        from safetensors.torch import load_file

        tensors, mine = load_file(folder / WEIGHTS), model.decoder.state_dict()
        if tensors.keys() != mine.keys() or any(tensors[k].shape != mine[k].shape for k in mine):
            raise UserError(f"{folder / WEIGHTS} does not fit {FACTS} beside it: one of them is of another run. Fine-tune again.")
        model.decoder.load_state_dict(tensors)
        torch.nn.Module.eval(model)
        return model


def _fitting(card: Card) -> str:
    names = list(registry.names("decoders"))
    found = next((name for name in names if not registry.entry("decoders", name).refusal(card)), None)
    if found is None:
        raise UserError(
            f"No decoder fits the encoder {card.architecture}: there are {', '.join(names)}, for monai:vit of patches of 16 voxels, "
            "monai:swin_unetr and monai:segresnet. docs/volume-segmentation.md shows how a decoder of your own is put on it."
        )
    return found
