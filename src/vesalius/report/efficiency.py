"""Label efficiency: what each encoder reaches with a share of the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.probes import OWN
from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.ticks import linear, logarithmic
from vesalius.report.values import number, text
from vesalius.report.wording import count, interval, is_percent, is_score, score, share, short_score, title

_APART = 1.035  # whiskers at one share of the labels stand beside each other, not on each other


def section(runs: Sequence[RunRecord]) -> Section:
    """One chart for each metric, with its numbers in a table below."""
    id_, title_ = "label-efficiency", "Label efficiency"
    rows = [(place, run, row) for place, run in enumerate(runs) for row in run.rows("label_efficiency") if _usable(row)]
    first = min((place for place, _, _ in rows), default=0)  # of several runs the baselines of one are enough
    rows = [entry for entry in rows if entry[0] == first or text(entry[2].get("encoder")) == OWN]
    if not rows:
        return Section(id_, title_, reason=runs[0].reason(id_, "The run measured no probe on a share of the labels."))
    metrics = list(dict.fromkeys(text(row.get("metric")) for _, _, row in rows))
    drawn = [
        _chart(metric, [entry for entry in rows if text(entry[2].get("metric")) == metric], runs) for metric in metrics
    ]
    return Section(id_, title_, parts={"charts": drawn})


def _usable(row: Mapping[str, Any]) -> bool:
    fraction = number(row.get("fraction"))
    return number(row.get("value")) is not None and fraction is not None and fraction > 0


def _chart(
    metric: str, rows: Sequence[tuple[int, RunRecord, Mapping[str, Any]]], runs: Sequence[RunRecord]
) -> Mapping[str, Any]:
    several = len(runs) > 1
    keys = list(dict.fromkeys((place, text(row.get("encoder"))) for place, _, row in rows))
    keys.sort(key=lambda key: (key[1] != OWN, key[0]))
    lines: list[Line] = []
    table: list[list[str]] = []
    greys = 0
    for nth, (place, encoder) in enumerate(keys):
        own = encoder == OWN
        mine = sorted(
            (row for where, _, row in rows if where == place and text(row.get("encoder")) == encoder),
            key=lambda row: number(row.get("fraction")) or 0.0,
        )
        shift = _APART ** (nth - (len(keys) - 1) / 2)
        points = [((number(row.get("fraction")) or 0.0) * shift, number(row.get("value")) or 0.0) for row in mine]
        spans = []
        for (x, _), row in zip(points, mine):
            low, high = number(row.get("low")), number(row.get("high"))
            if low is not None and high is not None:
                spans.append((x, low, high))
            table.append(
                [
                    " · ".join(filter(None, [runs[place].letter, encoder])),
                    share(number(row.get("fraction"))),
                    count(number(row.get("labels"))),
                    score(number(row.get("value")), metric),
                    interval(low, high, metric),
                ]
            )
        name = " · ".join(filter(None, [runs[place].letter if several else "", encoder]))
        colour = f"c{place % 8}" if own and several else "c0" if own else "grey"
        greys += not own
        lines.append(Line(name, points, colour, dash=0 if own else 1 + (greys - 1) % 3, spans=spans, dots=True))
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points] + [v for line in lines for s in line.spans for v in s[1:]]
    fractions = sorted({number(row.get("fraction")) or 0.0 for _, _, row in rows})
    chart = Chart(
        title=title(metric),
        x=logarithmic(xs, fractions, share),
        y=linear(
            ys,
            count=4,
            show=lambda v: short_score(v, metric),
            floor=0.0 if is_score(metric) else None,
            ceiling=1.0 if is_score(metric) else None,
        ),
        lines=lines,
        summary=_summary(metric, table),
        x_title="share of the labels",
        digits="percent" if is_percent(metric) else "score" if is_score(metric) else "",
        group=f"labels-{metric}",
        x_texts=[share(fraction) for fraction in fractions],
    )
    return {"chart": chart, "table": table, "heads": ["Encoder", "Share", "Labels", title(metric), "95 % interval"]}


def _summary(metric: str, table: Sequence[Sequence[str]]) -> str:
    return (
        f"{title(metric)} by share of the labels. "
        + "; ".join(f"{row[0]} at {row[1]}: {row[3]}" for row in table)
        + "."
    )
