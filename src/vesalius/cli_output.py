"""The command line of what an encoder or a run gives: ``vesalius embed``, ``predict`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts


def embed(
    *,
    encoder: str,
    data: str,
    out: Path | None = None,
    layer: str = "pooled",
    normalise: bool = False,
    split: str | None = None,
    task: str | None = None,
    labels: str | None = None,
    uncertain: str | None = None,
    filter: str | None = None,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "fp32",
    weights: str | None = None,
    code: Path | None = None,
    resume: bool = True,
) -> None:
    """Features of images: one row per image, as Parquet, .npy with ids, or CSV. Goes on where it was interrupted.

    Parameters
    ----------
    encoder
        A run (folder, id, `latest` or mlflow:RUN_ID), a folder or file of weights, a name of `models list`, or a network's.
    data
        NAME[@ROOT], a folder of images, a .csv or .parquet table, or a .npz file.
    out
        FILE.parquet, FILE.npy or FILE.csv; by default embeddings.parquet in a new run.
    layer
        pooled (or features), embedding (of unit length; of lightly-resnet18 32 numbers), projected, or a module of the network by name.
    normalise
        Divide each row by its length.
    split
        Only the rows of train, val or test.
    task
        One of the source's tasks.
    labels
        Label column of a table.
    uncertain
        What uncertain labels count as: ignore, zeros, ones, soft or soft-zeros.
    filter
        Only these rows, as view=frontal or 'sex=F; age=18..65'.
    batch_size
        Images per forward pass.
    device
        auto, cpu, cuda or mps.
    precision
        fp32, bf16 or auto.
    weights
        Where a network's name gets its weights from: a file, URL#sha256=..., timm:NAME, torchvision:NAME.
    code
        The file of a network of your own, where it is not in the current folder.
    resume
        Go on with interrupted work; --no-resume begins again.
    """
    from vesalius.embed import embed as verb
    from vesalius.terminal import answer

    result = verb(
        encoder,
        data,
        out=out,
        layer=layer,
        normalise=normalise,
        split=split,
        task=task,
        labels=labels,
        uncertain=uncertain,
        filter=filter,
        batch_size=batch_size,
        device=device,
        precision=precision,
        weights=weights,
        code=code,
        resume=resume,
    )
    answer(str(result.file))


def predict(
    run: str,
    data: str,
    /,
    *,
    out: Path | None = None,
    split: str | None = None,
    task: str | None = None,
    uncertain: str | None = None,
    filter: str | None = None,
    batch_size: int = 256,
    device: str = "auto",
    precision: str = "fp32",
    code: Path | None = None,
    probabilities: Annotated[bool, cyclopts.Parameter(negative=())] = False,
    resume: bool = True,
) -> None:
    """What a fine-tuned run says of new images or volumes: vesalius predict RUN DATA. Goes on where it was interrupted.

    Parameters
    ----------
    run
        A run of `vesalius finetune`: folder, id or `latest`.
    data
        NAME[@ROOT], a folder of images or volumes, a .csv or .parquet table, or a .npz file.
    out
        FILE.parquet or FILE.csv; by default predictions.parquet in a new run. Of a run that segments
        a folder: NAME_seg.nii.gz for NAME.nii.gz, volumes.csv, preview.png.
    split
        Only the rows of train, val or test.
    task
        One of the source's tasks, for the labels beside the answers.
    uncertain
        What uncertain labels count as: ignore, zeros, ones, soft or soft-zeros.
    filter
        Only these rows, as view=frontal or 'sex=F; age=18..65'.
    batch_size
        Images per forward pass.
    device
        auto, cpu, cuda or mps.
    precision
        fp32, bf16 or auto.
    code
        The file of a network of your own, where it is not in the current folder.
    probabilities
        Of a run that segments: the probability of each class at each voxel too, as NAME_prob.nii.gz.
    resume
        Go on with interrupted work; --no-resume begins again.
    """
    from vesalius.predict import predict as verb
    from vesalius.terminal import answer

    result = verb(
        run, data, out=out, split=split, task=task, uncertain=uncertain, filter=filter,
        batch_size=batch_size, device=device, precision=precision, code=code, probabilities=probabilities, resume=resume,
    )
    answer(str(result.file))


def export(
    encoder: str,
    /,
    *,
    to: str,
    out: Path | None = None,
    weights: str | None = None,
    size: int | None = None,
    code: Path | None = None,
) -> None:
    """An encoder for another library, loaded there again and compared: vesalius export ENCODER --to TARGET

    Nothing is written when the largest difference is above 1e-4 of the largest feature.
    README.md in the folder says how to load it and where mean and deviation are applied.

    Parameters
    ----------
    encoder
        A run (folder, id, `latest` or mlflow:RUN_ID), a folder or file of weights, a name of `models list`, or a network's.
    to
        safetensors, timm, torchvision, monai, nnunet, lightly, onnx or hf.
    out
        The folder, new or empty; by default exports/TARGET beside the encoder, or here for a name.
    weights
        Where a network's name gets its weights from: a file, URL#sha256=..., timm:NAME, torchvision:NAME.
    size
        Pixels per side, for a network's name.
    code
        The file of a network of your own, where it is not in the current folder.
    """
    from vesalius.export import export as verb
    from vesalius.terminal import answer

    answer(str(verb(encoder, to=to, out=out, weights=weights, size=size, code=code).path))
