"""The command line: the verbs' signatures. Each imports its verb inside, so that ``--help`` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cyclopts

from vesalius import __version__
from vesalius.errors import VesaliusError

Fields = Annotated[str, cyclopts.Parameter(allow_leading_hyphen=True, show=False)]

app = cyclopts.App(
    name="vesalius",
    version=__version__,
    help="Learn an image encoder from images nobody labelled, and see what it is worth.",
    help_format="plaintext",
)
data_app = cyclopts.App(name="data", help="Data sets and the store of decoded pixels.")
runs_app = cyclopts.App(name="runs", help="Runs: what was done and where it lies.")
recipes_app = cyclopts.App(name="recipes", help="Ready-made configurations and views.")
for _sub in (data_app, runs_app, recipes_app):
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
    from vesalius.recipes.loading import pairs
    from vesalius.terminal import answer

    tokens = list(fields)
    if recipe is not None and recipe.startswith("--"):
        tokens, recipe = [recipe, *tokens], None
    answer(str(verb(recipe, out=out, resume=resume, **dict(pairs(tokens))).path))


@app.command
def embed(
    *,
    encoder: str,
    data: str,
    out: Path | None = None,
    layer: str = "pooled",
    normalise: bool = False,
    split: str | None = None,
    labels: str | None = None,
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
        A run (folder, id or `latest`), a folder with encoder.safetensors, or a network's name.
    data
        NAME[@ROOT], a folder of images, a .csv or .parquet table, or a .npz file.
    out
        FILE.parquet, FILE.npy or FILE.csv; by default embeddings.parquet in a new run.
    layer
        pooled, projected, or a module of the network by name.
    normalise
        Divide each row by its length.
    split
        Only the rows of train, val or test.
    labels
        Label column of a table.
    batch_size
        Images per forward pass.
    device
        auto, cpu, cuda or mps.
    precision
        fp32, bf16 or auto.
    weights
        Where a network's name gets its weights from: timm:NAME, torchvision:NAME or a file.
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
        labels=labels,
        batch_size=batch_size,
        device=device,
        precision=precision,
        weights=weights,
        code=code,
        resume=resume,
    )
    answer(str(result.file))


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


# ---- data


@data_app.command(name="list")
def data_list() -> None:
    """Sources by name, and what is in the store."""
    from vesalius.inspection import data_list as verb

    verb()


@data_app.command(name="show")
def data_show(reference: str, /, *, out: Path | None = None, labels: str | None = None) -> None:
    """First rows and columns of a data set's table; --out writes the table as Parquet.

    Parameters
    ----------
    reference
        NAME[@ROOT], a folder, a table or a .npz file.
    out
        Write the table here.
    labels
        Label column of a table.
    """
    from vesalius.inspection import data_show as verb

    verb(reference, out=out, labels=labels)


@data_app.command(name="check")
def data_check(reference: str, /, *, labels: str | None = None, subject: str | None = None, decode: bool = True) -> None:
    """Counts, class balance, subjects, unreadable files, subjects in two splits.

    Parameters
    ----------
    reference
        NAME[@ROOT], a folder, a table or a .npz file.
    labels
        Label column of a table.
    subject
        Subject column, or a regular expression with one group on the path.
    decode
        Read every image; --no-decode only lists them.
    """
    from vesalius.inspection import data_check as verb

    verb(reference, labels=labels, subject=subject, decode=decode)


@data_app.command(name="index")
def data_index(reference: str, /, *, size: str = "native", channels: str = "auto", download: bool = False) -> None:
    """Decode a data set into the store ahead of a job.

    Parameters
    ----------
    reference
        NAME[@ROOT], a folder, a table or a .npz file.
    size
        Shorter side in pixels, or native.
    channels
        1, 3, keep or auto.
    download
        Fetch a public data set that is not there.
    """
    from vesalius.inspection import data_index as verb

    verb(reference, size=size, channels=channels, download=download)


@data_app.command(name="locate")
def data_locate(reference: str, /, *ids: str) -> None:
    """The files behind ids of a report: vesalius data locate DATA ID ...

    Parameters
    ----------
    reference
        The data the run was made from.
    ids
        Ids as a report shows them.
    """
    from vesalius.inspection import data_locate as verb

    verb(reference, list(ids))


@data_app.command(name="prune")
def data_prune(*, older_than_days: float | None = None, max_gb: float | None = None, dataset: str | None = None) -> None:
    """Delete decoded pixels by age, size or data set.

    Parameters
    ----------
    older_than_days
        Stores not used for so long.
    max_gb
        The longest unused, until the store is no larger.
    dataset
        The store of this data set.
    """
    from vesalius.inspection import data_prune as verb

    verb(older_than_days=older_than_days, max_gb=max_gb, dataset=dataset)


# ---- runs


@runs_app.command(name="list")
def runs_list() -> None:
    """Every run, newest first."""
    from vesalius.inspection import runs_list as verb

    verb()


@runs_app.command(name="show")
def runs_show(run: str, /) -> None:
    """State, configuration and results of a run.

    Parameters
    ----------
    run
        Folder, id or unique prefix, or latest.
    """
    from vesalius.inspection import runs_show as verb

    verb(run)


@runs_app.command(name="latest")
def runs_latest() -> None:
    """The newest run's folder."""
    from vesalius.runs import find
    from vesalius.terminal import answer

    answer(str(find("latest")))


@runs_app.command(name="checkpoint")
def runs_checkpoint(run: str, /, name: str = "last") -> None:
    """The folder of a run's checkpoint: last, or best-MONITOR.

    Parameters
    ----------
    run
        Folder, id or unique prefix, or latest.
    name
        last, best-linear, best-knn, best-spread ...
    """
    from vesalius.inspection import runs_checkpoint as verb

    verb(run, name)


# ---- recipes


@recipes_app.command(name="list")
def recipes_list() -> None:
    """Recipes and views recipes by name."""
    from vesalius.inspection import recipes_list as verb

    verb()


@recipes_app.command(name="show")
def recipes_show(name: str, /, *, views: str | None = None, out: Path = Path("views.png"), count: int = 8) -> None:
    """Each field of a recipe with value and meaning; with --views DATA a picture of its views.

    Parameters
    ----------
    name
        A recipe or a views recipe, or a YAML file of either.
    views
        Data whose first images are shown.
    out
        The picture.
    count
        How many images.
    """
    from vesalius.inspection import recipes_show as verb

    verb(name, views=views, out=out, count=count)


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
