"""The command line: the verbs' signatures. Each imports its verb inside, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import cyclopts

from vesalius import __version__
from vesalius.cli_inspection import data_app, recipes_app, runs_app
from vesalius.cli_models import models_app
from vesalius.cli_submission import submission
from vesalius.errors import VesaliusError

Fields = Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True, show=False)]

app = cyclopts.App(
    name="vesalius",
    version=__version__,
    help="Learn an image encoder from images nobody labelled, and see what it is worth.",
    help_format="plaintext",
)
for _sub in (data_app, models_app, runs_app, recipes_app, submission(app)):
    app.command(_sub)


@app.command
def demo(*, out: Path | None = None) -> None:
    """The whole story in a few minutes, offline: pretrain on real images, examine, report.

    Parameters
    ----------
    out
        The run's directory.
    """
    from vesalius.demo import demo as verb
    from vesalius.terminal import answer

    answer(str(verb(out=out).path / "report.html"))


@app.command
def pretrain(
    recipe: Annotated[str | None, cyclopts.Parameter(allow_leading_hyphen=True)] = None,
    /,
    *fields: Fields,
    out: Path | None = None,
    resume: str | None = None,
) -> None:
    """Pretrain an encoder: vesalius pretrain RECIPE|config.yaml [--field value ...] [--resume RUN]

    Every field of the recipe can be set: --epochs 100 --data.train ./images --method.temperature 0.5.
    `vesalius recipes show RECIPE` lists them.

    Parameters
    ----------
    recipe
        A recipe's name, or a YAML file.
    out
        The run's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    resume
        A run to go on with: folder, id, or `latest`.
    """
    from vesalius.pretrain import pretrain as verb
    from vesalius.terminal import answer

    recipe, given = _given(recipe, fields, "pretrain")
    answer(str(verb(recipe, out=out, resume=resume, **given).path))


@app.command
def finetune(
    recipe: Annotated[str | None, cyclopts.Parameter(allow_leading_hyphen=True)] = None,
    /,
    *fields: Fields,
    encoder: str | None = None,
    out: Path | None = None,
    resume: str | None = None,
) -> None:
    """A classifier on an encoder: vesalius finetune RECIPE|config.yaml --encoder ENCODER [--field value ...] [--resume RUN]

    The encoder is frozen and its features are computed once; --encoder.freeze false trains it too. Every field of the recipe
    can be set: --data.train ./images --balanced true. `vesalius recipes show RECIPE` lists them.
    The recipes volume-segmentation and btcv-unetr train a segmenter of volumes.

    Parameters
    ----------
    recipe
        A recipe's name, or a YAML file.
    encoder
        A run (folder, id, `latest` or mlflow:RUN_ID), a folder or file of weights, a name of `models list`, or a network's.
    out
        The run's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    resume
        A run to go on with: folder, id, or `latest`.
    """
    from vesalius.finetune import finetune as verb
    from vesalius.terminal import answer

    recipe, given = _given(recipe, fields, "finetune")
    answer(str(verb(recipe, encoder=encoder, out=out, resume=resume, **given).path))


@app.command
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


@app.command
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


@app.command
def evaluate(
    protocols: str,
    /,
    *fields: Fields,
    encoder: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    data: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    run: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    out: Path | None = None,
    resume: str | None = None,
) -> None:
    """What encoders and models are worth: vesalius evaluate PROTOCOL[,PROTOCOL ...] --encoder ENCODER --data DATA, or --run RUN

    Every --encoder on every --data, beside an encoder without training and the pixels; each image is
    forwarded once, whatever asks. knn: the vote of the nearest training images. linear: logistic
    regression, its strength chosen among 45. few-shot: class means of a few images, many times.
    label-efficiency: linear on shares of the labels. attentive-probe: on feature maps. retrieval:
    whether similar images bear the same label. rank: without labels. transfer: learnt on one --data,
    asked about another. finetune, lp-ft: trained end to end.
    robustness: a fine-tuned run's metric under noise, blur, lower resolution, bias fields, gamma,
    contrast and motion, five strengths each; of several runs, such as a twin from random weights,
    the paired difference from the first. A protocol's fields follow, as --perturbations noise,blur
    or --robustness.metric roc_auc; --device, --precision, --batch_size and --seed too.

    Parameters
    ----------
    protocols
        Names with commas: few-shot,linear,knn.
    encoder
        A run, a folder or file of weights, a name of `models list`, timm:NAME or torchvision:NAME (pretrained); NAME=... gives it a name in the tables.
    data
        Labelled data: a source (NAME[@ROOT][:TASK]), a folder of classes, a table.
    run
        A run of `vesalius finetune`: folder, id or `latest`; the first is compared with the others.
    out
        The evaluation's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    resume
        An evaluation to go on with: folder, id, or `latest`. What was computed is not computed again.
    """
    from vesalius.evaluate.verb import evaluate as verb
    from vesalius.evaluate.verb import fields_of
    from vesalius.terminal import answer

    answer(str(verb(protocols, run=run or (), encoder=encoder or (), data=data or (), out=out, resume=resume, **fields_of(fields)).path))


@app.command
def select(
    config: Annotated[str | None, cyclopts.Parameter(allow_leading_hyphen=True)] = None,
    /,
    *fields: Fields,
    strategy: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    write: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    out: Path | None = None,
    resume: str | None = None,
) -> None:
    """Which images to label next: vesalius select config.yaml, or --encoder ENCODER --data DATA --n 50 [--strategy diversity ...]

    config.yaml holds worker_config, selection_config and lightly_config, as the Lightly Worker has them,
    beside fields of ours. Stages train, embed, select, report: each is done once, and found again when the
    job is gone on with. Further fields follow, as --dataset NAME, --training.epochs 100, --split train,
    --preselected labelled.txt, --embeddings vectors.parquet.

    Parameters
    ----------
    config
        A YAML file.
    strategy
        STRATEGY[:INPUT][,FIELD=VALUE ...], as diversity, typicality, weights:lightly.sharpness,strength=2 or
        threshold:age>=18; several are multiplied.
    write
        FORMAT=PATH, as filenames=selected.txt, csv=selected.csv, copies=FOLDER, label-studio=tasks.json.
    out
        The run's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    resume
        A selection to go on with, or to write again: folder, id, or `latest`.
    """
    from vesalius.select.job import fields_of
    from vesalius.select.verb import select as verb
    from vesalius.terminal import answer

    if config is not None and config.startswith("--"):
        fields, config = (config, *fields), None
    given = {"strategy": strategy, "write": write, **fields_of(fields)}
    answer(str(verb(config, out=out, resume=resume, **{key: value for key, value in given.items() if value is not None}).path))


@app.command
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


@app.command
def report(*runs: str, out: Path | None = None) -> None:
    """One HTML page about one or several runs, complete in itself: vesalius report RUN [RUN ...]

    Parameters
    ----------
    runs
        Folders, ids, or `latest`.
    out
        Where to write it; by default report.html in the first run, or comparison.html in the runs' folder.
    """
    from vesalius.reporting import report as verb
    from vesalius.terminal import answer

    answer(str(verb(*runs, out=out)))


def _given(recipe: str | None, fields: tuple[str, ...], verb: str) -> tuple[str | None, dict[str, Any]]:
    """The recipe, None where the first word is a field already, and the fields by name."""
    from vesalius.recipes.arguments import pairs

    if recipe is not None and recipe.startswith("--"):
        return None, dict(pairs([recipe, *fields], verb))
    return recipe, dict(pairs(fields, verb))


def _command(given: list[str]) -> str:
    """The words of ``given`` that name a command, each with a space behind it."""
    names, here = "", app
    for word in given[:2]:
        try:
            here = here[word]
        except KeyError:
            break
        names += f"{word} "
    return names


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        app(given, exit_on_error=False, print_error=False)
        code = 0
    except VesaliusError as error:
        sys.stderr.write("\n".join([str(error), *getattr(error, "__notes__", ())]) + "\n")
        code = error.exit_code
    except cyclopts.CycloptsError as error:
        said = " ".join(str(error).split())
        said += "" if said.endswith((".", "?")) else "."
        sys.stderr.write(f"{said.replace('?.', '?')} `vesalius {_command(given)}--help` shows how it is written.\n")
        code = 2
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:
        import errno

        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        sys.stderr.write(f"The disk is full or failed: {error.strerror}. Free space, then run the same command with --resume.\n")
        code = 5
    sys.exit(code)


if __name__ == "__main__":
    main()
