"""What the stage leaves for people and for `dvc`.

reports/validate/metrics.json          dvc metrics show, dvc metrics diff
reports/validate/verdict.json          every check in words, and which adapter, base and code it is about
reports/validate/clips.parquet         one row per clip: trial, side, seed, whether it shows the style, scores, verdict
reports/validate/plots/                dvc plots show: moves.csv, trait.csv, differences.csv
reports/validate/side_by_side/         pairs of clips as videos, base left, adapter right
reports/validate/index.html            the page

No dates and no seconds: the same adapter, base, pictures, parameters and code give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from reelops.errors import MachineError
from reelops.metrics.catalogue import METRICS_VERSION
from reelops.scoring.contracts import check_table
from reelops.scoring.scored_clip import ScoredClip
from reelops.scoring.tables import DATA_EXTRA, columns_of, parquet_schema
from reelops.system.files import write_atomically, write_csv_atomically, write_folder_atomically, write_text_atomically
from reelops.validation.findings import SIDES, Findings, Side, TrialResult
from reelops.validation.stage import ValidationResult
from reelops.validation.verdict import VERDICT
from reelops.video.decode import read_frames
from reelops.video.encode import encode
from reelops.video.side_by_side import side_by_side

METRICS = "metrics.json"
TABLE = "clips.parquet"
PAGE = "index.html"
SIDE_BY_SIDE = "side_by_side"
_DIGITS = 6


def report_validation(validated: ValidationResult, folder: Path) -> tuple[list[Path], list[str]]:
    """Writes everything; says what was written, and warnings.

    Raises:
        InputError: the table breaks its contract.
        MachineError: something cannot be written.
    """
    from reelops.validation.report import write_report

    findings = validated.findings
    notes = write_table(findings, folder / TABLE)
    plots = write_plots(findings, folder / "plots")
    videos = write_side_by_sides(chosen_pairs(findings, validated.plan.params.side_by_sides), folder / SIDE_BY_SIDE)
    write_text_atomically(folder / VERDICT, _json(verdict(validated)))
    write_text_atomically(folder / METRICS, _json(metrics(validated)))
    write_report(validated, videos, folder / PAGE)
    return [*(folder / name for name in (PAGE, METRICS, VERDICT, TABLE)), *plots, *videos.values()], notes


def metrics(validated: ValidationResult) -> dict[str, Any]:
    """The figures, by names that stay."""
    findings, plan = validated.findings, validated.plan
    of_style = {
        "style_in_base": findings.style_count("base", called=True),
        "style_in_adapter": findings.style_count("adapter", called=True),
        "style_uncalled_in_base": findings.style_count("base", called=False),
        "style_uncalled": findings.style_count("adapter", called=False),
    }
    shares = (of_style if findings.style else {}) | {
        "adherence_of_base": findings.adherence("base"),
        "adherence": findings.adherence("adapter"),
        "rejected_of_base": findings.rejections("base", called=False),
        "rejected": findings.rejections("adapter", called=False),
    }
    return {
        "passed": findings.passed,
        "checks_failed": len(findings.failed),
        "pairs": len(findings.results),
        "pictures": len(plan.pictures),
        "metrics_version": METRICS_VERSION,
        **{name: _rounded(count.share) for name, count in shares.items() if count.share is not None},
        "change": _rounded(findings.reloaded.change),
        "reload_difference": _rounded(findings.reloaded.share),
        "difference": {
            group: {one.metric: _rounded(one.mean) for one in comparison.differences}
            for group, comparison in findings.comparisons.items()
        },
    }


def verdict(validated: ValidationResult) -> dict[str, Any]:
    """The answer, what it rests on, and what it is about."""
    findings, plan = validated.findings, validated.plan
    return {
        "adapter": plan.name,
        "adapter_sha256": plan.adapter.sha256,
        "base": plan.weights.base,
        "base_revision": plan.weights.revision,
        "data": plan.facts.get("data"),
        "passed": findings.passed,
        "failed": [check.name for check in findings.failed],
        "checks": [check.to_json() for check in findings.checks],
    }


def write_table(findings: Findings, path: Path) -> list[str]:
    """The table of all clips, held to its contract; says what to warn of.

    Raises:
        InputError: it breaks the contract.
        MachineError: pyarrow is not installed, or the file cannot be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MachineError(f"The table of clips needs pyarrow, which is not installed. {DATA_EXTRA}") from error
    sides = [(one, side) for one in findings.results for side in SIDES]
    clips = [_named(one, side) for one, side in sides]
    notes = check_table(clips)
    first: dict[str, list[Any]] = {
        "trial": [one.trial.name for one, _ in sides],
        "side": [side for _, side in sides],
        "group": [one.trial.group for one, _ in sides],
        "photograph": [one.trial.picture.photograph for one, _ in sides],
        "picture_sha256": [one.trial.picture.sha256 for one, _ in sides],
        "seed": [one.trial.seed for one, _ in sides],
        "shows_style": [findings.shows_style(clip) for clip in clips],
    }
    table = pyarrow.table({**first, **columns_of(clips)}, schema=_schema())
    # Opened here: pyarrow itself opens no path that is no Unicode.
    with write_atomically(path) as partial, partial.open("wb") as file:
        parquet.write_table(table, file)
    return notes


def _schema() -> Any:
    import pyarrow

    texts = ("trial", "side", "group", "photograph", "picture_sha256")
    first = [*((name, pyarrow.string()) for name in texts), ("seed", pyarrow.int64()), ("shows_style", pyarrow.bool_())]
    return pyarrow.unify_schemas([pyarrow.schema(first), parquet_schema()])


def _named(one: TrialResult, side: Side) -> ScoredClip:
    """The clip and its picture by names that are the same on every machine."""
    clip = one.of(side)
    origin = replace(clip.origin, picture=Path(one.trial.picture.name)) if clip.origin else None
    return replace(clip, path=Path(f"{one.trial.name}-{side}.mp4"), origin=origin)


def write_plots(findings: Findings, folder: Path) -> list[Path]:
    """Tables for `dvc plots`, and where they are."""
    moves = [
        (side, one.trial.asked.value, scores.measured_move.value if scores.measured_move else "not measured")
        for one in findings.results
        for side in SIDES
        if one.trial.group == "moves" and one.trial.asked and (scores := one.of(side).scores)
    ]
    write_csv_atomically(folder / "moves.csv", ("side", "asked", "measured"), moves)
    names = [limit.metric for limit in findings.style.trait] if findings.style else []
    trait = [
        (one.trial.name, f"{side}, {one.trial.group}", *(scores.get(name) for name in names))
        for one in findings.results
        for side in SIDES
        if (scores := one.of(side).scores)
    ]
    write_csv_atomically(folder / "trait.csv", ("trial", "clips", *names), trait)
    differences = [
        (group, one.metric, one.mean, one.low, one.high)
        for group, comparison in findings.comparisons.items()
        for one in comparison.differences
    ]
    write_csv_atomically(folder / "differences.csv", ("group", "metric", "mean", "low", "high"), differences)
    return [folder / f"{name}.csv" for name in ("moves", "trait", "differences")]


def chosen_pairs(findings: Findings, count: int) -> list[TrialResult]:
    """Pairs to look at: from every group in turn, each on another picture as long as there is one."""
    groups: dict[str, list[TrialResult]] = {}
    for one in findings.results:
        groups.setdefault(one.trial.group, []).append(one)
    in_turn = zip_longest(*(_spread(group) for group in groups.values()))
    return [one for some in in_turn for one in some if one is not None][:count]


def _spread(group: Sequence[TrialResult]) -> list[TrialResult]:
    """The same, with pictures and prompts that were not there yet first."""
    rest = list(group)
    ordered: list[TrialResult] = []
    while rest:
        pictures, prompts = [one.trial.picture for one in ordered], [one.trial.prompt for one in ordered]
        rest.sort(key=lambda one: pictures.count(one.trial.picture) + prompts.count(one.trial.prompt))
        ordered.append(rest.pop(0))
    return ordered


def write_side_by_sides(pairs: Sequence[TrialResult], folder: Path) -> Mapping[str, Path]:
    """A video of each pair, by the name of its trial; the folder holds nothing else then."""
    with write_folder_atomically(folder) as partial:
        for one in pairs:
            assert one.base.scores
            both = side_by_side(_frames(one.base), _frames(one.adapter), ("base", "adapter"))
            encode(both, partial / f"{one.trial.name}.mp4", one.base.scores.format.fps, "medium")
    return {one.trial.name: folder / f"{one.trial.name}.mp4" for one in pairs}


def _frames(clip: ScoredClip) -> Iterator[np.ndarray]:
    return (timed.frame_HWC for timed in read_frames(clip.path))


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
