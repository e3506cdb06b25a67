"""The command line of what encoders and runs are worth: ``vesalius evaluate`` and ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts

Fields = Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True, show=False)]


def evaluate(
    protocols: str | None = None,
    /,
    *fields: Fields,
    encoder: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    data: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    images: Annotated[list[str] | None, cyclopts.Parameter(negative=(), consume_multiple=True)] = None,
    run: Annotated[list[str] | None, cyclopts.Parameter(negative=())] = None,
    out: Path | None = None,
    resume: str | None = None,
    check_reference: Annotated[bool, cyclopts.Parameter(negative=())] = False,
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
    images
        Files and folders of images for protocols that look at a few; else --n-images are drawn of each --data.
    run
        A run of `vesalius finetune`: folder, id or `latest`; the first is compared with the others.
    out
        The evaluation's directory; by default a new one below VESALIUS_RUNS, or ./runs.
    resume
        An evaluation to go on with: folder, id, or `latest`. What was computed is not computed again.
    check_reference
        Nothing is evaluated: every number that the documents of the originals state, beside what runs with their --compat found here.
    """
    if check_reference:
        from vesalius.stated import show

        return show()
    from vesalius.evaluate.verb import evaluate as verb
    from vesalius.evaluate.verb import fields_of
    from vesalius.terminal import answer

    found = verb(
        protocols or "", run=run or (), encoder=encoder or (), data=data or (), images=images or (), out=out, resume=resume, **fields_of(fields)
    )
    answer(str(found.path))


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
