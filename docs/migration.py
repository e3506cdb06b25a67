"""``docs/migrate/innereye.md``: names, arguments and numbers of the original beside ours, read from the recipes.

Run as ``python -m docs.migration``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from vesalius.recipes.finetune_loading import load_finetune
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.shipped import aliases

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "migrate" / "innereye.md"

# field of the resolved recipe, the original's value in words, why ours is another
NUMBERS: dict[str, list[tuple[str, str, str]]] = {
    "CIFAR10SimCLR": [
        ("method.temperature", "0.1", "0.2 learns better features of small images in few epochs"),
        ("method.hidden", "2048", "the same"),
        ("method.dim", "128", "the same"),
        ("encoder.stem", "3 × 3 convolution, max-pool kept", "without the pool, as SimCLR's own recipe for CIFAR: 32 px become 4 × 4 and not 2 × 2"),
        ("views", "Bolts' transform with blur, crops from 8 %", "milder colours, no blur, crops from 20 %, for 32 px"),
        ("optimizer.name", "Adam", "SGD with momentum, what the field uses for this"),
        ("optimizer.lr", "1e-4 times the number of GPUs", "follows from the global batch"),
        ("optimizer.weight_decay", "1e-6", "belongs to the optimizer"),
        ("optimizer.decay_by", "everything", "norms and biases do not decay; found by shape, not by name"),
        ("optimizer.warmup", "10 epochs from zero, whatever the length", "a share, at most a third: short runs reach their peak; no step has rate zero"),
        ("epochs", "2500", "a run is as long as you say, with compat too: --num_epochs 2500"),
        ("batch_size", "128 per GPU, 4 GPUs", "per process, with compat too: --ssl_training_batch_size 128"),
        ("validate_every", "every epoch", "every 5 epochs: one pass for all monitors; the head still sees each labelled image once an epoch"),
        ("monitors.linear.lr", "1e-4", "the head keeps up with the encoder; its features are standardised"),
        ("monitors.linear.dropout", "0.2", "features are not thinned out"),
        ("monitors.linear.batch", "16 per GPU", "fewer, larger steps over the same images"),
    ],
    "CIFAR10BYOL": [
        ("method.momentum", "0.99, to 1 along a cosine", "the same"),
        ("method.hidden", "2048", "4096, the paper's"),
        ("method.dim", "128", "256, the paper's"),
        ("method.predictor_hidden", "128", "as the projector's, the paper's"),
        ("optimizer.decay_by", "all but names with bias or bn", "by shape: the original's rule misses the norm of a down-sampling"),
        ("optimizer.schedule", "once an epoch; the first at rate zero", "every step; the first step learns"),
    ],
}  # fmt: skip
NUMBERS["NIH_RSNA_BYOL"] = [
    ("views", "its YAML: turned by up to 180°, mirrored, erased from 15 %", "what differs between two exposures, nothing that changes the anatomy"),
    ("data.channels", "grey repeated to 3, before all augmentation", "grey stays one channel: a third of the work"),
    ("method.momentum", "0.99, to 1 along a cosine", "the same"),
    ("optimizer.name", "Adam", "SGD with momentum"),
    ("epochs", "1000", "a run is as long as you say: --num_epochs 1000"),
    ("batch_size", "75 per GPU, 16 GPUs", "per process: --ssl_training_batch_size 75"),
    ("monitors.linear.balanced", "on", "the same; weights from training labels alone"),
    ("monitors.linear.views", "the head's YAML", "the head learns on images as they are, once for all its epochs"),
]  # fmt: skip
CLASSIFIERS: dict[str, list[tuple[str, str, str]]] = {
    "CXRImageClassifier": [
        ("optimizer.name", "Adam", "decay apart from the gradient"),
        ("optimizer.lr", "1e-4", "the head's peak; a frozen encoder's head is solved for instead"),
        ("optimizer.eps", "1e-4", "1e-4 damps small gradients"),
        ("optimizer.weight_decay", "1e-4", "chosen for few steps"),
        ("optimizer.schedule", "polynomial, in effect constant", "falls to zero"),
        ("encoder.lr_factor", "1: one rate for encoder and head", "the encoder moves less than the head, its first layers least"),
        ("linear_first", "the head starts at random", "begins with the best head on the frozen encoder"),
        ("dropout", "0.2", "features are not thinned out"),
        ("patience", "to the last epoch; the last weights", "stops when nothing gets better; the best weights are kept, with compat too"),
        ("views", "the head's YAML", "mild, nothing mirrored"),
        ("balanced", "on; weights counted over training and validation", "weights from training labels alone, with compat too"),
    ],
}  # fmt: skip
TUTORIAL = ("ssl_", "mgpu_ssl")
"""How the names of the other original begin that has recipes under names of its own: MONAI's tutorial."""
COMMANDS = [
    ("python ML/runner.py --model=CIFAR10BYOL", "vesalius pretrain CIFAR10BYOL"),
    ("python ML/runner.py --model=CIFAR10SimCLR", "vesalius pretrain CIFAR10SimCLR"),
    ("python ML/runner.py --model=CIFAR10CIFAR100BYOL", "vesalius pretrain CIFAR10CIFAR100BYOL"),
    ("python ML/runner.py --model=NIH_RSNA_BYOL", "vesalius pretrain NIH_RSNA_BYOL --local_dataset ./nih --extra_local_dataset_paths ./rsna"),
    ("python ML/runner.py --model=NIH_RSNA_SimCLR", "vesalius pretrain NIH_RSNA_SimCLR --local_dataset ./nih --extra_local_dataset_paths ./rsna"),
    ("python ML/runner.py --model=NIH_COVID_BYOL", "vesalius pretrain NIH_COVID_BYOL --local_dataset ./nih --extra_local_dataset_paths ./covid"),
    ("the same on Azure ML: --azureml --cluster=CLUSTER",
     "vesalius submit azureml --cluster CLUSTER --environment NAME@1 --dataset nih=ID --dataset rsna=ID --dry-run -- pretrain NIH_RSNA_BYOL"),
    ("python ML/runner.py --model=SSLClassifierCIFAR --pretraining_run_recovery_id={ID}",
     "vesalius finetune SSLClassifierCIFAR --pretraining_run_recovery_id=RUN_ID"),
    ("python ML/runner.py --model=CXRImageClassifier --pretraining_run_recovery_id={ID}",
     "vesalius finetune CXRImageClassifier --local_dataset ./rsna --pretraining_run_recovery_id=RUN_ID"),
    ("python ML/runner.py --model=CXRImageClassifier --src_checkpoint={PATH}",
     "vesalius finetune CXRImageClassifier --local_dataset ./rsna --src_checkpoint=runs/byol"),
    ("python ML/runner.py --model=CXRImageClassifier --local_weights_path={PATH}",
     "vesalius finetune CXRImageClassifier --local_dataset ./rsna --local_weights_path=runs/byol"),
    ("python ML/runner.py --model=CXRImageClassifier --local_ssl_weights_path={PATH}, the flag the code had",
     "vesalius finetune CXRImageClassifier --local_dataset ./rsna --local_ssl_weights_path=runs/byol"),
    ("the same with --freeze_encoder=False",
     "vesalius finetune CXRImageClassifier --local_dataset ./rsna --src_checkpoint=runs/byol --freeze_encoder=False"),
    ("python ML/runner.py --model=CovidModel --pretraining_run_recovery_id={ID}",
     "vesalius finetune CovidModel --local_dataset ./covid --pretraining_run_recovery_id=RUN_ID"),
]
"""Every command of the two documents (and of the configurations they do not print), and ours; tests run each of ours."""
METRICS = [
    ("`simclr/train/loss`, `byol/train/loss`", "`loss` of the `train` rows", "of the global batch, not of one GPU"),
    ("`simclr/val/loss`, `byol/val/loss`", "not computed", "kNN, linear head and spread say more"),
    ("`simclr/learning_rate`, `byol/learning_rate/0/0` and `/0/1`", "`lr` of the `train` rows", "one rate: groups differ in decay"),
    ("`byol/tau`", "`momentum` of the `train` rows", "a function of the step"),
    ("`ssl_online_evaluator/train/loss`", "`monitor/linear/train_loss`", "with `compat: innereye` under the original's name"),
    ("`ssl_online_evaluator/train/online_AreaUnderRocCurve`, ...", "`monitor/linear/train_roc_auc`, ...", "the same"),
    ("`ssl_online_evaluator/val/loss`", "`monitor/linear/val_loss`", "the same"),
    ("`ssl_online_evaluator/val/AreaUnderRocCurve`", "`monitor/linear/roc_auc`", "the same"),
    ("`ssl_online_evaluator/val/AreaUnderPRCurve`", "`monitor/linear/pr_auc`", "average precision; with compat by trapezoids, which is too optimistic"),
    ("`ssl_online_evaluator/val/AccuracyAtThreshold05`", "`monitor/linear/accuracy`", "the same"),
    ("`train/loss` of a classifier", "`loss` of the `train` rows", "frozen: the losses along the path of strengths"),
    ("`val/loss`, `val/<metric>` of a classifier", "`monitor/validation/loss`, `monitor/validation/<metric>`", ""),
]
OUTPUTS = [
    ("`outputs/<time>_<Model>/`", "`runs/<time>-<verb>-<name>/`, or `--out DIR`"),
    ("`args.txt`", "`config.yaml`: every field, and behind it which recipe, file or command said it"),
    ("`checkpoints/last.ckpt`, `autosave.ckpt`",
     "`checkpoints/step-N/` to go on from (`--resume`), `checkpoints/best-MONITOR/`; `encoder.safetensors`, `encoder.json` to use"),
    ("`logs/Lightning/`", "`metrics.jsonl`; `--tracking tensorboard` or `mlflow` beside it"),
    ("none for a classifier",
     "`results.json`, `predictions.parquet`, `report.html`: scores with intervals by patient, operating points, calibration, worst mistakes"),
    ("CovidModel's `model_outputs.csv` (subject, prediction_target, label, model_output, cross_validation_split_index)",
     "`predictions.parquet`: id, subject, split, label, prediction and a probability for each class"),
    ("CovidModel's `report.txt`: accuracies, and 03 against 12, 0 against 3, 1 against 2",
     "`operating` in `results.json` and the page: the same three questions, with thresholds chosen on validation; `rule: half` is the original's"),
]
FAULTS = [
    ("the encoder in training mode while the head learns", "evaluation mode; a test hashes every tensor before and after"),
    ("part of the labelled images not seen, the last validation batch dropped", "each once an epoch; all of the validation set scored"),
    ("class weights from training and validation labels", "from training labels only"),
    ("tau not in the checkpoint: after a resume one update at 0.99", "a function of the step: resume is exact"),
    ("losses logged from one GPU", "of the global batch"),
    ("the best checkpoint is the last", "last and best by each monitor, named so"),
    ("the checkpoint is a pickle", "safetensors"),
]
BESIDES = [
    ("BYOL's loss", "mean of -cos, in [-1, 1]", "2 - 2 cos, both directions summed, as in the paper: values differ by 4 + 4 × (theirs), minima are the same"),
    ("validation loss of the encoder", "`simclr/val/loss`, `byol/val/loss`", "not computed: kNN, linear head and spread say more"),
    ("encoders with `compat`", "densenet121 is refused for CIFAR and lacks its last ReLU", "allowed; `--encoder.final_relu False` leaves the ReLU out"),
    ("GPUs", "`max_num_gpus`", "the launcher decides: `torchrun --nproc_per_node N`"),
    ("test images", "no test part", "the examination at the end uses the source's own test part"),
]


def value(config: dict[str, Any], dotted: str) -> str:
    """The value at ``dotted``, monitors by their name; a method's default where the recipe is silent."""
    place: Any = config
    for key in dotted.split("."):
        if isinstance(place, list):
            place = next(m for m in place if m["name"] == key)
        else:
            place = place.get(key, _default(config, dotted)) if isinstance(place, dict) else None
        if place is None:
            return "-"
    if isinstance(place, dict):
        return ", ".join(f"{k} {v}" for k, v in place.items() if v is not None)
    return f"{place:g}" if isinstance(place, float) else str(place)


def _default(config: dict[str, Any], dotted: str) -> Any:
    from vesalius import registry

    first, *rest = dotted.split(".")
    if "monitors" not in config:  # a classifier's
        return None
    if first == "method":
        return registry.entry("methods", config["method"]["name"]).Config.model_fields[rest[0]].default
    if first == "monitors":
        return registry.entry("monitors", rest[0]).Config.model_fields[rest[1]].default
    return "small" if dotted == "encoder.stem" else None


def _loaded(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    if name in CLASSIFIERS:
        return load_finetune(name, changes, complete=False).model_dump(mode="json")
    return load_pretrain(name, changes)[0].model_dump(mode="json")


def _same(name: str) -> list[str]:
    """Where the argument goes in pretraining."""
    return [aliases()["fields"][name]["to"]] if name in aliases()["fields"] else []


def own(fields: dict[str, Any], whose: str | None = None) -> dict[str, Any]:
    """The arguments of one original alone."""
    return {name: alias for name, alias in fields.items() if alias.get("of") == whose}


def text() -> str:
    """The page."""
    coverage = yaml.safe_load((ROOT / "docs" / "coverage.yaml").read_text())
    rows = [row for row in coverage if row["id"].startswith("innereye-")]
    out = [
        "# Coming from InnerEye's self-supervised models",
        "",
        "Written by `python -m docs.migration` from the recipes, the aliases and `coverage.yaml`; a test keeps it so.",
        "",
        "## Names and arguments",
        "",
        "`python ML/runner.py --model=CIFAR10BYOL --local_dataset DIR` is `vesalius pretrain CIFAR10BYOL --local_dataset DIR`; classifiers are",
        "`vesalius finetune`. A folder holds a data set as it is downloaded, or as the original wanted it (RSNA's `dataset.csv`). Without",
        "`--local_dataset` a set is looked for in `VESALIUS_DATA`. RUN_ID is the name, id or folder of a run here, or an id of MLflow.",
        "",
        "| the original's command | ours |",
        "|---|---|",
        *(f"| `{was}` | `{ours}` |" for was, ours in COMMANDS),
        "",
        "`--name=value` and `--name value`, `-` for `_`, and True, False, yes, no, 1 and 0 are all understood.",
        "",
        "| the original's | here |",
        "|---|---|",
        *(f"| `{old}` | `{new}` |" for old, new in [*aliases()["recipes"].items(), *aliases()["finetune"]["recipes"].items()] if not old.startswith(TUTORIAL)),
    ]
    for name, alias in own(aliases()["fields"]).items():
        renames = ", ".join(f"{k} → {v}" for k, v in alias.get("values", {}).items())
        out.append(f"| `--{name}` | `--{alias['to']}`{f' ({renames})' if renames else ''} |")
    theirs = own(aliases()["finetune"]["fields"])
    out += [f"| `--{name}`, of a classifier | `--{alias['to']}` |" for name, alias in theirs.items() if alias["to"] not in _same(name)]
    out += ["| `--pretraining_run_recovery_id` | the encoder of that run, here or of MLflow; `--run_recovery_id` goes on with the same run |"]
    out += [f"| `--{name}` | {sentence} |" for name, sentence in aliases()["without_meaning"].items()]
    out += [f"| {', '.join(f'`--{name}`' for name in aliases()['elsewhere'])} | options of `vesalius submit azureml` |"]
    out += [f"| `--{name}` | refused: {instead}. |" for name, instead in aliases()["refused"].items()]
    out += [
        "",
        "## Numbers",
        "",
        "Our defaults are other than the original's where that is better. `--compat innereye` brings the original's back, and says at the",
        "start of the run which of them measure badly.",
    ]
    for name, fields in [*NUMBERS.items(), *CLASSIFIERS.items()]:
        configs = [_loaded(name, changes) for changes in ({}, {"compat": "innereye"})]
        out += ["", f"### {name}", "", "| field | original | ours | with `compat: innereye` | why |", "|---|---|---|---|---|"]
        for dotted, was, why in fields:
            ours, back = (value(config, dotted) for config in configs)
            out.append(f"| `{dotted}` | {was} | {ours} | {back} | {why} |")
    out += [
        "",
        "With `compat` the validation part is the original's as well: torch's random split, a tenth, from `--random_seed`. For CIFAR-10 and",
        "seed 42 training begins with images 37542, 44491, 216, 43688, 41558.",
        "",
        "## Names of what is measured",
        "",
        "| the original's | here | |",
        "|---|---|---|",
        *(f"| {was} | {ours} | {why} |" for was, ours, why in METRICS),
        "",
        "## What a run leaves",
        "",
        "| the original | here |",
        "|---|---|",
        *(f"| {was} | {ours} |" for was, ours in OUTPUTS),
        "",
        "## Faults that are not brought back",
        "",
        "| the original | here |",
        "|---|---|",
        *(f"| {was} | {now} |" for was, now in FAULTS),
        "",
        "## Other differences",
        "",
        "| what | original | here |",
        "|---|---|---|",
        *(f"| {what} | {was} | {now} |" for what, was, now in BESIDES),
        "",
        "## What is kept, and what is not there yet",
        "",
        "| | promise | state |",
        "|---|---|---|",
        *(f"| {row['id'].removeprefix('innereye-')} | {row['promise']} | {row['state']} |" for row in rows),
        "",
    ]
    return "\n".join(out)


def main() -> None:
    """See the module."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text())


if __name__ == "__main__":
    main()
