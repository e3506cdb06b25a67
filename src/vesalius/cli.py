"""The command line: the verbs that train, and where every other file's verbs come together.

Each verb imports what it does inside, so that ``--help`` is quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import cyclopts

from vesalius import __version__
from vesalius.cli_evaluation import evaluate, report
from vesalius.cli_inspection import data_app, list_names, recipes_app, runs_app
from vesalius.cli_models import models_app
from vesalius.cli_output import embed, export, predict
from vesalius.cli_selection import select
from vesalius.cli_submission import submission
from vesalius.errors import VesaliusError

Fields = Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True, show=False)]

app = cyclopts.App(
    name="vesalius",
    version=__version__,
    help="Learn an image encoder from images nobody labelled, and see what it is worth.",
    help_format="markdown",
)
for _sub in (data_app, models_app, runs_app, recipes_app, submission(app)):
    app.command(_sub)
for _verb in (embed, predict, evaluate, select, export, report):
    app.command(_verb)
app.command(list_names, name="list")


@app.command
def demo(*, out: Path | None = None) -> None:
    """The whole story in a few minutes, offline: pretrain on real images, examine, select what to label, report.

    Parameters
    ----------
    out
        The run's directory.
    """
    from vesalius.demo import demo as verb
    from vesalius.terminal import answer

    done = verb(out=out)
    for run in (done, done.selection):
        answer(str(run.path / "report.html"))


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
