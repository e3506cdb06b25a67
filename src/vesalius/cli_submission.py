"""The command line of clusters: ``vesalius submit``. A line of another verb follows ``--``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import cyclopts

Line = Annotated[str, cyclopts.Parameter(show=False)]
Many = Annotated[list[str] | None, cyclopts.Parameter(negative="")]
Flag = Annotated[bool, cyclopts.Parameter(negative="")]


def submission(verbs: cyclopts.App) -> cyclopts.App:
    """``vesalius submit``, whose lines are parsed as commands of ``verbs``."""
    app = cyclopts.App(name="submit", help="A verb's line on a cluster: vesalius submit slurm|azureml [options] -- VERB ...")

    def parse(words: list[str]) -> tuple[str, Mapping[str, Any]]:
        command, bound, _ = verbs.parse_args(words, exit_on_error=False, print_error=False)
        return command.__name__, bound.arguments

    @app.command
    def slurm(
        *line: Line,
        partition: str | None = None,
        time: str = "24h",
        nodes: int = 1,
        gpus: int = 0,
        processes: int | None = None,
        cpus: int | None = None,
        memory: float | None = None,
        account: str | None = None,
        qos: str | None = None,
        comment: str | None = None,
        setup: Many = None,
        notice: int = 120,
        restarts: int = 20,
        slurm: Many = None,
        dry_run: Flag = False,
    ) -> None:
        """A Slurm job: vesalius submit slurm [options] -- VERB ...

        At its time limit and when it is pre-empted it is saved, and queued again to go on.
        Its run and its logs lie where the line's --out says, or below VESALIUS_RUNS.

        Parameters
        ----------
        partition
            Slurm's partition.
        time
            Longest time at once: 8h, 90m, 1-12:00:00.
        nodes
            Machines.
        gpus
            GPUs of each machine; one process for each.
        processes
            Processes of each machine where there are no GPUs.
        cpus
            Processors of each process.
        memory
            GB of each machine.
        account
            Who pays.
        qos
            Quality of service.
        comment
            A note kept with the job.
        setup
            A shell line before the start, such as a module load; may be repeated.
        notice
            Seconds before the time limit at which the job begins to save.
        restarts
            How often it is queued again at its time limit.
        slurm
            KEY=VALUE of any other option of sbatch; may be repeated.
        dry_run
            Print the script, submit nothing.
        """
        from vesalius.submit import slurm as engine
        from vesalius.terminal import answer

        resources = engine.Resources(
            partition=partition,
            time=time,
            nodes=nodes,
            gpus=gpus,
            processes=processes,
            cpus=cpus,
            memory=memory,
            account=account,
            qos=qos,
            comment=comment,
            setup=setup or (),
            notice=notice,
            restarts=restarts,
            more=engine.pairs(slurm or ()),
        )
        answer(engine.submit(line, parse, resources, dry_run=dry_run))

    @app.command
    def azureml(
        *line: Line,
        compute: Annotated[str | None, cyclopts.Parameter(name=["--compute", "--cluster"])] = None,
        environment: str | None = None,
        image: str | None = None,
        nodes: Annotated[int, cyclopts.Parameter(name=["--nodes", "--num-nodes"])] = 1,
        gpus: int = 1,
        experiment: Annotated[str | None, cyclopts.Parameter(name=["--experiment", "--experiment-name"])] = None,
        tag: Many = None,
        time: Annotated[str | None, cyclopts.Parameter(name=["--time", "--max-run-duration"])] = None,
        azure_dataset_id: str | None = None,
        extra_azure_dataset_ids: str | None = None,
        dataset: Many = None,
        mount: Annotated[bool, cyclopts.Parameter(name=["--mount", "--use-dataset-mount"], negative="--download")] = True,
        shm_size: Annotated[str | None, cyclopts.Parameter(name=["--shm-size", "--docker-shm-size"])] = None,
        wait: Annotated[bool, cyclopts.Parameter(name=["--wait", "--wait-for-completion"], negative="")] = False,
        workspace: Path | None = None,
        dry_run: Flag = False,
    ) -> None:
        """An Azure ML command job, tracked by MLflow: vesalius submit azureml [options] -- VERB ...

        No image, encoder or run leaves this machine: data are assets of the workspace, mounted.
        The Python and YAML files that the line names are uploaded, and listed before.

        Parameters
        ----------
        compute
            The workspace's compute cluster.
        environment
            NAME@VERSION of the workspace, with vesalius in it.
        image
            A container image instead; Azure ML adds this version of vesalius by pip.
        nodes
            Machines.
        gpus
            Processes of each machine, one for each GPU.
        experiment
            The experiment's name; the recipe's when absent.
        tag
            NAME=VALUE, or a word; may be repeated.
        time
            Azure ML ends the job after this: 3.5h, 90m, 2d.
        azure_dataset_id
            Data asset of the images to learn from: NAME, NAME:VERSION or azureml:...
        extra_azure_dataset_ids
            Data asset of the images to watch with.
        dataset
            NAME=ASSET: rsna, nih, chexpert, covid, or an input of your own; may be repeated.
        mount
            Mount data; --download copies them to each machine first.
        shm_size
            Shared memory of the container, such as 16g.
        wait
            Show the job's log until it ends.
        workspace
            The workspace's config.json; by default the one in this folder or above.
        dry_run
            Print the job's YAML, submit nothing.
        """
        from vesalius.submit import azureml as engine
        from vesalius.terminal import answer

        order = engine.Order(
            compute=compute,
            environment=environment,
            image=image,
            nodes=nodes,
            gpus=gpus,
            experiment=experiment,
            tags=tag or (),
            time=time,
            train=azure_dataset_id,
            monitor=extra_azure_dataset_ids,
            datasets=dataset or (),
            mount=mount,
            shm_size=shm_size,
        )
        answer(engine.submit(line, parse, order, workspace=workspace, wait=wait, dry_run=dry_run))

    return app
