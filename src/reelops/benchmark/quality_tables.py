"""The quality benchmark's report for people: tables, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reelops.benchmark.quality import differences_between_parts
from reelops.optical_flow.working_size import WORKING_ROWS

Part = Mapping[str, Any]

HEAD = (
    "# Quality benchmark\n\nMade by `reelops benchmark quality`, as are the figures in `benchmark.json`; "
    "docs/metrics.md says how to read them.\n"
)


@dataclass(frozen=True)
class Table:
    """Rows of words under their columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """All tables of a report; the last one says what was wanted, and whether it is so."""
    for name, make in _TABLES.items():
        if name in report["parts"]:
            yield from make(report["parts"][name])
    yield _wanted(report["wanted"])


def markdown(report: Mapping[str, Any]) -> str:
    """The report as a page."""
    wanted, *others = reversed(list(tables(report)))
    paragraphs = [HEAD, *(f"{sentence}\n" for sentence in differences_between_parts(report["parts"]))]
    paragraphs += [_as_markdown(table) for table in (wanted, *reversed(others))]
    paragraphs.append(_as_markdown(_measured(report["parts"])))
    return "\n".join(paragraphs)


def _as_markdown(table: Table) -> str:
    lines = [f"## {table.title}", "", f"| {' | '.join(table.columns)} |", "|---" * len(table.columns) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in table.rows)]) + "\n"


def _table(title: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
    """From the rows' fields, named by the values of `columns`."""
    return Table(title, tuple(columns), tuple(tuple(_words(row[field]) for field in columns.values()) for row in rows))


def _words(value: Any) -> str:
    if value is None:
        return "not measured"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _wanted(wishes: Sequence[Mapping[str, Any]]) -> Table:
    answers = {True: "yes", False: "no", None: "not measured"}
    rows = []
    for wish in wishes:
        aim = f", aim {wish['aim']:g}" if wish["aim"] is not None else ""
        measured = "" if wish["measured"] is None else f"{wish['measured']:.4g}"
        wanted = f"{wish['bound']} {wish['limit']:.4g}{aim}"
        rows.append((wish["part"], wish["figure"], measured, wanted, answers[wish["met"]]))
    return Table("What was wanted", ("Part", "Figure", "Measured", "Wanted", "Met"), tuple(rows))


def _measured(parts: Mapping[str, Part]) -> Table:
    rows = ({"part": name, "at": part["measured_at"], **part["machine"]} for name, part in parts.items())
    columns = {
        "Part": "part",
        "When": "at",
        "Processor": "processor",
        "Cores": "cores",
        "Load before": "load_before",
        "OpenCV": "opencv",
        "Metrics version": "metrics_version",
    }
    return _table("When and where parts were measured", rows, columns)


def _suite(part: Part) -> Iterator[Table]:
    columns = {"Clip": "clip", "Frames": "frames", "Size": "size", "Seconds": "wall", "Processor seconds": "cpu"}
    yield _table("The default suite on one clip, warm, in one process", part["clips"], columns)


def _cold(part: Part) -> Iterator[Table]:
    rows = [
        {"what": "compiled code is kept", "wall": part["wall"], "cpu": part["cpu"]},
        {"what": "first run ever: it compiles", **part["first_ever"]},
    ]
    columns = {"A fresh process": "what", "Seconds": "wall", "Processor seconds": "cpu"}
    yield _table("`reelops score CLIP` from start to end", rows, columns)


def _folder(part: Part) -> Iterator[Table]:
    columns = {"Clips": "clips", "Seconds": "wall", "Processor seconds": "cpu", "Clips an hour": "clips_an_hour"}
    yield _table("`reelops score FOLDER`", [{**part, "clips_an_hour": round(part["clips_an_hour"])}], columns)


def _memory(part: Part) -> Iterator[Table]:
    columns = {
        "Seconds of clip": "seconds",
        "Frames": "frames",
        "Size": "size",
        "Peak MB": "peak_mb",
        "Seconds": "wall",
    }
    yield _table("Memory by the length of the clip", part["clips"], columns)


def _sameness(part: Part) -> Iterator[Table]:
    rows = [{"how": how.replace("_", " "), "equal": "yes" if equal else "no"} for how, equal in part["equal"].items()]
    yield _table("Scores are equal, digit for digit", rows, {"However found": "how", "Equal": "equal"})


def _gate(part: Part) -> Iterator[Table]:
    rows = [{"version": name, **counts} for name, counts in part["versions"].items()]
    columns = {
        "Version": "version",
        "It is": "expected",
        "Accepted": "accept",
        "To be reviewed": "review",
        "Rejected": "reject",
    }
    num_clips = len(part["clips"])
    yield _table(f"The gate on good clips ({num_clips}) and spoilt versions of them", rows, columns)
    if held_back := part.get("held_back"):
        reviewed = ({**row, "why": " ".join(row["why"])} for row in held_back)
        yield _table("Good clips that were held back", reviewed, {"Clip": "clip", "Verdict": "said", "Why": "why"})
    if part["wrong"]:
        wrong = ({**row, "said": row["verdict"]["decision"]} for row in part["wrong"])
        yield _table("Wrong verdicts", wrong, {"Clip": "clip", "Version": "name", "Verdict": "said"})
    yield _limits(part)


def _limits(part: Part) -> Table:
    rows = []
    for metric, facts in part["limits"].items():
        limit = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts["limit"].items())
        values = (" / ".join(f"{value:.3g}" for value in found) or "-" for found in facts["values"].values())
        rows.append((metric, limit, *values))
    columns = ("Metric", "Limits", *part["versions"])
    return Table("What limited metrics measured: smallest, middle and largest value", columns, tuple(rows))


def _flow(part: Part) -> Iterator[Table]:
    working, same = f"times_faster_at_{WORKING_ROWS}_rows", "times_faster_same_size"
    pairs = (
        {
            **row,
            "opencv": row["opencv"]["wall"],
            "opencv_cpu": row["opencv"]["cpu"],
            "working": row[f"ours_at_{WORKING_ROWS}_rows"]["wall"],
            "same": row["ours_same_size"]["wall"],
        }
        for row in part["time"]
    )
    columns = {
        "Clip": "clip",
        "OpenCV, s": "opencv",
        "OpenCV, processor s": "opencv_cpu",
        f"Ours at {WORKING_ROWS} rows, s": "working",
        "Times faster": working,
        "Ours at the same size, s": "same",
        "Times faster there": same,
    }
    yield _table("A pair of 720x480 by Dual TV-L1: OpenCV's defaults on all cores, ours on one", pairs, columns)
    columns = {
        "Clip": "clip",
        "Size": "size",
        "Times faster": "times_faster",
        "Times less processor time": "times_less_cpu",
        "Median distance, px": "median_distance",
        "Mean distance, px": "mean_distance",
    }
    yield _table("With OpenCV's parameters on both sides", part["equal_parameters"], columns)
    yield _known_motion(part["known_motion"])
    sizes = ({"clip": row["clip"], **row["motion"], "spread": f"{row['spread']:.1%}"} for row in part["working_size"])
    rows = list(part["working_size"][0]["motion"])
    columns = {"Clip": "clip", **{f"{size} rows": size for size in rows}, "Spread": "spread"}
    yield _table("A clip's mean motion in px at 480 rows, by working size", sizes, columns)
    columns = {"Clip": "clip", "By our flow": "ours", "By OpenCV's": "opencv"}
    yield _table("Temporal consistency", part["score"]["clips"], columns)


def _known_motion(errors: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = {"Motion": "motion"}
    for name in errors["all"]:
        whose, _, rows = name.partition("_")
        columns[f"{'Ours' if whose == 'ours' else 'OpenCV'} at {rows} rows"] = name
    rows_of = ({"motion": motion, **row} for motion, row in errors.items())
    return _table("Mean end-point error on known motion, px at 480 rows", rows_of, columns)


def _truth(part: Part) -> Iterator[Table]:
    rows = [{"what": row["clip"], **_sides(row)} for row in part["apart"]]
    title = f"Clips whose scores by the two flows differ by more than {part['more_than']:g}, of {part['compared']}"
    yield _table(title, rows, _columns_of_sides("Clip", ("ours", "opencv")))
    rows = [{"what": row["sequence"], **_sides(row)} for row in part["sequences"]]
    title = "Photographs moved in known ways, as unevenly: "
    if (theirs := part["error_of_opencv"]) is not None:
        nearer = "our flow's is" if part["error_of_ours"] < theirs else "OpenCV's is"
        title += f"{nearer} nearer the true score, ours within {part['error_of_ours']:.2g}, theirs within {theirs:.2g}"
    yield _table(title, rows, _columns_of_sides("What moves", ("true", "ours", "opencv")))


_SIDES = {"true": "in truth", "ours": "by our flow", "opencv": "by OpenCV's"}


def _sides(row: Mapping[str, Any]) -> dict[str, str]:
    """Motion and score, in truth or by either flow, as words by column."""
    words = {}
    for side in (side for side in _SIDES if side in row):
        found = row[side]
        words[f"{side}_motion"] = f"{found['mean']:.3g} ({found['most']:.3g})" if found else _words(None)
        words[f"{side}_score"] = _words(found["score"] if found else None)
    return words


def _columns_of_sides(what: str, sides: Sequence[str]) -> dict[str, str]:
    motions = {f"Motion {_SIDES[side]}, px: mean (most)": f"{side}_motion" for side in sides}
    return {what: "what", **motions, **{f"Score {_SIDES[side]}": f"{side}_score" for side in sides}}


def _report(part: Part) -> Iterator[Table]:
    browser = part["browser"] or dict.fromkeys(
        ("seconds_beyond_an_empty_page", "peak_mb_beyond_an_empty_page", "peak_mb")
    )
    columns = {
        "Clips": "clips",
        "Their files, MB": "clips_mb",
        "Videos in it at most, MB": "videos_at_most_mb",
        "Seconds to make": "wall",
        "Size, MB": "size_mb",
        "Seconds to open, beyond an empty page": "seconds_beyond_an_empty_page",
        "Memory beyond an empty page, MB": "peak_mb_beyond_an_empty_page",
        "Memory of the whole browser, MB": "peak_mb",
    }
    yield _table("A report to look at, scores already known", [{**part, **browser}], columns)


_TABLES: Mapping[str, Callable[[Part], Iterator[Table]]] = {
    "suite": _suite,
    "cold": _cold,
    "folder": _folder,
    "memory": _memory,
    "sameness": _sameness,
    "gate": _gate,
    "flow": _flow,
    "truth": _truth,
    "report": _report,
}
