"""Learning curves: loss, learning rate, monitors, spread of the embedding, over steps; several runs overlaid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vesalius.report import strength
from vesalius.report.chart import Chart, Line, Mark, Point, thin
from vesalius.report.judged import headline
from vesalius.report.kinds import kind
from vesalius.report.reading import RunRecord
from vesalius.report.reconstruction import MONITOR
from vesalius.report.section import Section
from vesalius.report.seeds import repetitions
from vesalius.report.ticks import Axis, linear
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, figure, is_percent, is_score, score, short_score, title

_TRAINING = ("loss", "lr", "grad_norm", "momentum", "images_per_second", "wait_share")
_PLACE = ("step", "epoch", "time")
_MOST_CHARTS = 24
_FLAGS = ("collapsed",)  # an alarm is a sentence among the warnings, not a curve
_FIRST = 4
_FROM_ZERO = ("grad_norm", "images_per_second", "wait_share")  # a steady line must look steady
_NOTES = {
    "rankme": "Effective number of dimensions the embedding uses (RankMe); a fall towards 1 is collapse.",
    "std": "Deviation of the normalised embedding; 0 is collapse.",
}
_VALIDATION = "Validation loss"
_SOLVED = "The encoder is frozen, so the head was solved for and not trained step by step."


def section(runs: Sequence[RunRecord]) -> Section:
    """The curves of every run on shared axes."""
    title_, id_ = "Learning curves", "curves"
    if len(runs) == 1 and kind(runs[0]) == "seeds":
        runs = repetitions(runs[0]) or runs
    drawn = charts(runs)
    solved = strength.charts(runs)
    if solved and not drawn:
        return Section(id_, title_, parts={"charts": solved, "more": [], "note": _SOLVED, "runs": runs if len(runs) > 1 else []})
    if not drawn:
        reason = next((run.problems["metrics.jsonl"] for run in runs if "metrics.jsonl" in run.problems), "")
        return Section(id_, title_, reason=runs[0].reason(id_, reason or "metrics.jsonl holds no numbers to draw."))
    monitored = any(key.startswith("monitor/") for run in runs for row in run.metrics for key in row)
    note = "" if monitored else "No monitor ran: only the training itself is drawn."
    first, more = _lead(drawn, runs)
    parts = {"charts": first, "more": [*more, *solved], "note": note, "runs": runs if len(runs) > 1 else []}
    return Section(id_, title_, parts=parts)


def charts(runs: Sequence[RunRecord]) -> list[Chart]:
    """One chart for each quantity, in the order a reader asks for them."""
    series = [_series(run) for run in runs]
    keys = [key for key in dict.fromkeys(key for one in series for key in one) if not key.startswith(MONITOR)]
    metrics = list(dict.fromkeys(_metric(key) for key in keys if key.startswith("monitor/")))
    metrics.sort(key=lambda metric: not is_score(metric))
    groups: list[tuple[str, Callable[[str], bool]]] = [("loss", _named("loss"))]
    groups += [(metric, _of(metric)) for metric in metrics if metric not in _FLAGS]
    groups += [(name, _named(name)) for name in _TRAINING[1:]]
    found = []
    for name, belongs in groups:
        chosen = [key for key in keys if belongs(key)]
        chart = _chart(name, chosen, runs, series) if chosen else None
        if chart is not None:
            found.append(chart)
    return found[:_MOST_CHARTS]


def _metric(key: str) -> str:
    """What a monitor measured: on training images or not, it is the same quantity and belongs on the same chart."""
    name = key.rpartition("/")[2]
    return "val_loss" if name in ("loss", "train_loss", "val_loss") else name.removeprefix("train_")


def _of(metric: str) -> Callable[[str], bool]:
    return lambda key: key.startswith("monitor/") and _metric(key) == metric


def _named(name: str) -> Callable[[str], bool]:
    return lambda key: key == name or key.startswith(f"{name}/")


def _series(run: RunRecord) -> dict[str, list[Point]]:
    """Key -> (step, value) in order of steps; of two rows of one step the later counts (a resumed run)."""
    found: dict[str, dict[float, float]] = {}
    for row in run.metrics:
        step = number(row.get("step"))
        if step is None:
            continue
        for key, raw in row.items():
            value = number(raw)
            if value is not None and key not in _PLACE and isinstance(key, str):
                found.setdefault(key, {})[step] = value
    return {key: sorted(points.items()) for key, points in found.items()}


def _chart(
    name: str, keys: Sequence[str], runs: Sequence[RunRecord], series: Sequence[dict[str, list[Point]]]
) -> Chart | None:
    lines: list[Line] = []
    several = len(runs) > 1
    if name == "loss" and "loss" in keys and (several or len(keys) == 2):
        keys = [
            "loss"
        ]  # a single part says nothing that the total does not; of several runs only totals are told apart
    if several:
        keys = [key for key in keys if not key.rpartition("/")[2].startswith("train_")]
    for place, (run, one) in enumerate(zip(runs, series)):
        for nth, key in enumerate(key for key in keys if key in one):
            points, spans = thin(one[key])
            part = _part(key, name) if len(keys) > 1 or not several else ""
            lines.append(
                Line(
                    name=" · ".join(filter(None, [run.letter, part])) or run.name,
                    points=points,
                    colour=f"c{(place if several else nth) % 8}",
                    dash=1 if key.rpartition("/")[2].startswith("train_") else (nth if several else 0) % 3,
                    spans=spans,
                    band=bool(spans),
                    dots=len(points) <= 24,
                )
            )
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    ys = [y for line in lines for _, y in line.points] + _most_of_the_bands(lines)
    xs = [x for line in lines for x, _ in line.points]
    if name in _FROM_ZERO:
        ys = [*ys, 0.0]
    bound = (0.0, 1.0) if is_score(name) or name == "wait_share" else (0.0 if min(ys) >= 0 else None, None)
    show = (lambda v: short_score(v, name)) if is_percent(name) else figure
    validated = name == "val_loss" and all(kind(run) == "finetune" for run in runs)
    return Chart(
        title=_VALIDATION if validated else title(name),
        x=_steps(xs),
        y=linear(ys, count=4, show=show, floor=bound[0], ceiling=bound[1]),
        lines=lines,
        summary=_summary(name, lines),
        marks=_marks(runs, name) if len(runs) == 1 else (),
        digits="percent" if is_percent(name) else "score" if is_score(name) else "",
        group="steps",
        note=_NOTES.get(name, ""),
    )


def _lead(drawn: Sequence[Chart], runs: Sequence[RunRecord]) -> tuple[list[Chart], list[Chart]]:
    """What is shown at once, and the rest: the loss, the score the run is judged by, its rank and spread come first."""
    head = next((row for row in map(headline, runs) if row is not None), {})
    judged = title(text(head.get("metric"))) if head else ""
    scores = [chart.title for chart in drawn if chart.digits and chart.title != title("wait_share")]
    main = judged if judged in scores else next(iter(scores), "")
    order = [title("loss"), main, _VALIDATION, title("rankme"), title("std"), title("lr")]
    found = [chart for name in order for chart in drawn if name and chart.title == name][:_FIRST]
    return found, [chart for chart in drawn if chart not in found]


def _most_of_the_bands(lines: Sequence[Line]) -> list[float]:
    """Bounds that hold all but the outermost two per cent of the bands: one wild step must not flatten the rest."""
    lows = sorted(low for line in lines for _, low, _ in line.spans)
    highs = sorted(high for line in lines for _, _, high in line.spans)
    cut = len(lows) // 50
    return [lows[cut], highs[-1 - cut]] if lows else []


def _steps(xs: Sequence[float]) -> Axis:
    low, high = min(0.0, *xs), max(xs)
    return linear([low, high if high > low else low + 1], count=4, pad=0.0, show=count)


def _part(key: str, name: str) -> str:
    """What a line is called: the monitor's name, or the part of the loss; the total has no name of its own."""
    if key.startswith("monitor/"):
        monitor, _, metric = key.removeprefix("monitor/").rpartition("/")
        return (monitor.replace("_", " ") or title(name)) + (", training" if metric.startswith("train_") else "")
    return key.partition("/")[2].replace("_", " ") or ("total" if name == "loss" else title(name).lower())


def _summary(name: str, lines: Sequence[Line]) -> str:
    show = (lambda v: score(v, name)) if is_percent(name) or is_score(name) else figure
    said = [
        f"{line.name}: from {show(line.points[0][1])} to {show(line.points[-1][1])}, "
        f"least {show(min(y for _, y in line.points))}, greatest {show(max(y for _, y in line.points))}"
        for line in lines
    ]
    last = max(line.points[-1][0] for line in lines)
    return f"{title(name)} up to step {count(last)}. " + "; ".join(said) + "."


def _marks(runs: Sequence[RunRecord], name: str) -> list[Mark]:
    """The chosen checkpoints on the scores they were chosen by; notices on the loss."""
    run = runs[0]
    marks: list[Mark] = []
    if name == "loss":
        for row in run.metrics:
            step = number(row.get("step"))
            said = text(row.get("message")) or text(row.get("notice")) or text(row.get("text"))
            if row.get("kind") == "notice" and step is not None:
                marks.append(Mark(step, said or "notice", "notice"))
        return marks[:12]
    found = run.block("checkpoints")
    for chosen in (*records(found.get("criteria")), mapping(found.get("chosen_by_labels"))):
        step, metric = number(chosen.get("step")), text(chosen.get("metric"))
        said = text(chosen.get("name")) or ("best on validation" if kind(run) == "finetune" else "best by labels")
        if step is not None and metric.rpartition("/")[2].lower() == name and all(mark.text != said for mark in marks):
            marks.append(Mark(step, said, "chosen"))
    return marks
