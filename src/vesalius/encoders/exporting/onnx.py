"""One ONNX graph with standardisation inside: images in [0, 1] to pooled, map and tokens, any number at a time."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.agreement import probe_images
from vesalius.encoders.encoder import Card, Encoder, Encoding
from vesalius.encoders.exported import Exported, Reloaded, described
from vesalius.errors import UserError
from vesalius.files import atomic_write

FILE, INPUT, OPSET = "encoder.onnx", "images", 18
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_MOST = 2**31 - 2**20
"""Bytes of one ONNX file: what protobuf can count."""


class _Graph(nn.Module):
    """The encoder with plain tensors in and out."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out: Encoding = self.encoder(images)
        return out.pooled, out.map, out.tokens


def refusal(card: Card) -> str:
    """Nothing is refused by its architecture."""
    return ""


def write(encoder: Encoder, out: Path) -> Exported:
    """``encoder.onnx``. Raises UserError for a missing package, a file that would be too large, and what torch refuses."""
    _require()
    weighs = sum(tensor.numel() * tensor.element_size() for tensor in encoder.network.state_dict().values())
    if weighs > _MOST:
        raise UserError(
            f"{encoder.card.architecture} weighs {weighs / 2**30:.1f} GiB; one ONNX file holds 2. Use --to safetensors."
        )
    atomic_write(out / FILE, _plain(_traced(encoder), encoder.card).SerializeToString())
    code = (
        "import onnxruntime",
        f'session = onnxruntime.InferenceSession("{FILE}")',
        f'features, feature_map, tokens = session.run(["pooled", "map", "tokens"], {{"{INPUT}": images.numpy()}})',
    )
    return Exported(FILE, encoder.card.architecture, "onnxruntime", code, inside=True, load={"opset": OPSET})


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """The graph, run by onnxruntime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(out / FILE), providers=["CPUExecutionProvider"])

    def features(x: Tensor) -> Mapping[str, Tensor]:
        found = session.run(list(Encoding._fields), {INPUT: x.numpy()})
        return {name: torch.from_numpy(value) for name, value in zip(Encoding._fields, found)}

    return features


def _require() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"An export to ONNX needs {' and '.join(missing)}: pip install 'vesalius[onnx]'.")


def _traced(encoder: Encoder) -> Any:
    """The ModelProto as torch makes it."""
    batch = torch.export.Dim("batch")
    try:
        with _silence(), torch.no_grad():
            program = torch.onnx.export(
                _Graph(encoder).eval(),
                (probe_images(encoder.card, 2),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(Encoding._fields),
                dynamic_shapes=({0: batch},),
                verbose=False,
            )
    except Exception as error:  # torch's exporter has many kinds, and most of what it raises is its own report
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise UserError(
            f"torch cannot write {described(encoder)} as ONNX: {reason[:300]}. Its forward must not branch on values or "
            "on the number of images. Use --to safetensors, or change the network."
        ) from error
    assert program is not None
    return program.model_proto


def _plain(model: Any, card: Card) -> Any:
    """``model`` without what the exporter notes of its making (places of source files), and with the card."""
    _strip(model.graph)
    for function in model.functions:
        _strip(function)
    del model.metadata_props[:]
    model.doc_string = "images: floats in [0, 1]; mean and deviation are subtracted and divided inside."
    for key, value in (("vesalius.card", card.model_dump_json()), ("vesalius.input", model.doc_string)):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return model


def _strip(part: Any) -> None:
    """Clear notes in a graph or function and everything below it."""
    for name in ("metadata_props", "doc_string"):
        part.ClearField(name)
    for field in ("node", "initializer", "input", "output", "value_info"):
        for item in getattr(part, field, ()):
            if not isinstance(item, str):
                item.ClearField("metadata_props")
                item.ClearField("doc_string")
    for node in part.node:
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _strip(graph)


@contextmanager
def _silence() -> Iterator[None]:
    """The exporter tells its progress and warns of its own deprecations; only its errors matter here."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
