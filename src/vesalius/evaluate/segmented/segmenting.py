"""A segmenter trained, scored once and reported: what ``vesalius finetune`` does where ``data.kind`` is segmentation."""

from __future__ import annotations

import time

from vesalius.evaluate.cost import cost
from vesalius.evaluate.segmented.scoring import examine
from vesalius.recipes.end_to_end import BEST
from vesalius.recipes.segmentation.material import Job
from vesalius.recipes.segmentation.train import chosen, train
from vesalius.runs import Run
from vesalius.tasks.segmenter import Segmenter
from vesalius.terminal import Terminal
from vesalius.training.display import in_words
from vesalius.training.world import World


def work(job: Job, run: Run, here: World, terminal: Terminal, *, resumed: bool) -> None:
    """Train until validation is best, score the test volumes, write model, results and report."""
    length, spent = train(job, run, here, terminal, resumed=resumed)
    if here.first:
        began = time.perf_counter()
        model = Segmenter.load(run.path / "checkpoints" / BEST)
        found = examine(job, model, run, here, terminal)
        model.cpu().save(run.path)
        steps = max([row["step"] for row in run.metrics() if row.get("kind") == "train"], default=0)
        stages = {"decode": job.seconds, "examine": time.perf_counter() - began}
        results = {
            "kind": "finetune",
            "title": job.config.name or f"{job.task.name} on {job.data.public}",
            "frozen": job.config.encoder.freeze,
            **found,
            "checkpoints": chosen(run, length, job),
            "cost": cost(model.encoder, (model.encoder.card.channels, *job.plan.patch), steps, steps / length.steps_per_epoch, spent, stages, here),
        }
        run.write_json("results.json", results)
        run.finish("done")
        from vesalius.report import build

        page = build([run.path])
        for sentence in results["verdict"]:
            terminal.say(sentence)
        terminal.say(f"Took {in_words(spent.total + sum(stages.values()))}. The report: {page}")
    here.barrier()
