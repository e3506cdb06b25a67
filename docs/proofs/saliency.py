"""What saliency had to show: the loop's map, attentive diffusion, how fast and how near."""

from __future__ import annotations

from docs.prove import FAIL, PASS, Line, Outcome, Step, at_least, by_tests, named

_NEAR, _POINTS = 0.95, 2.0
_COARSE = ("python", "-W", "ignore", "benchmarks/saliency_coarse.py", "--threads", "1")
_EXACT = "saliency, exact, stride 1, {}, against the original's loop of one image at a time"


def exact(outcome: Outcome) -> list[Line]:
    """Ours beside the original's loop, in fp32 and in the automatic precision."""
    lines = []
    for name, bar in (("fp32", 1.3), ("auto", 2.0)):
        row = named(outcome, _EXACT.format(name))
        figure = f"{row['ours']} minutes a map against {row['peer']}"
        note = f"{row['setting']}; {figure}; {name} is {row['precision']} here"
        enough = row["positions_timed"] >= 500
        lines.append(at_least(f"Exact saliency of stride 1 in {name}, against the original's loop of one image at a time", row["ratio"], bar, note=note))
        if not enough:
            lines.append(Line("At least 500 positions on each side", f"{row['positions_timed']}", FAIL))
    away = named(outcome, _EXACT.format("fp32"))["scores_differ_by"]
    lines.append(Line("Scores of the two agree to 1e-5 in fp32", f"{away:.2g} at most", PASS if away <= 1e-5 else FAIL))
    return lines


def coarse(outcome: Outcome) -> list[Line]:
    """Coarse to fine beside our exact maps."""
    row = named(outcome, "saliency, coarse to fine, against our exact map")
    each = row["images"]
    slowest = min(one["faster"] for one in each.values())
    pearson = ", ".join(f"{name} {one['pearson']:.3f}" for name, one in each.items())
    points = ", ".join(f"{name} {one['diffusion_exact']:.1f} and {one['diffusion_coarse']:.1f}" for name, one in each.items())
    claim = f"Coarse to fine, {row['setting'].split(', ')[1]}, {len(each)} real images"
    return [
        at_least(f"{claim}: less time for a map than our exact one, preparation and all", row["ratio"], 20, note=f"{row['setting']}; at least {slowest} times"),
        Line(f"{claim}: Pearson correlation with the exact map at least {_NEAR}", pearson, PASS if row["least_pearson"] >= _NEAR else FAIL),
        Line(f"{claim}: attentive diffusion within {_POINTS:g} points (exact, coarse)", points, PASS if row["most_points_of_diffusion"] <= _POINTS else FAIL),
    ]


def steps() -> list[Step]:
    """The tests, then both benchmarks: exact maps of ten images take an hour at 224 pixels, so ten are at half of that and one whole."""
    return [
        by_tests(
            "saliency",
            "The map of stride 1 is the loop's to 1e-5, for other strides and clipped windows too; equal scores give 0 %, half and half 50 %; scores are "
            "those of whole passes for several kinds of networks, at all borders; what was scored is not scored again; no module is ever in training mode",
            "tests/measures/test_occlusion.py",
            "tests/evaluate/occluded",
            "tests/evaluate/protocols/test_saliency.py",
            "tests/docs/test_saliency.py",
            least=40,
        ),
        Step("exact saliency", ("python", "-W", "ignore", "benchmarks/saliency_exact.py"), exact, timeout=3600),
        Step("saliency coarse to fine", (*_COARSE, "--size", "112", "--images", "10"), coarse, timeout=3600),
        Step("saliency coarse to fine, whole size", (*_COARSE, "--size", "224", "--images", "1"), coarse, timeout=3600),
    ]
