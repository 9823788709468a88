"""The page that shows a set of clips to people: one HTML file that needs nothing else."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import reelops
from reelops.dataset.metadata.params import MetadataParams
from reelops.dataset.metadata.stage import MetadataResult
from reelops.dataset.metadata.window import by_chance
from reelops.dataset.table import SPLITS, ClipRow, QuarantinedClip, Reason
from reelops.pages.build import link_to, security, style, template
from reelops.pages.figures import Spread, axis_of, spread
from reelops.pages.pictures import data_uri, jpeg
from reelops.system.files import write_text_atomically
from reelops.video.picture import read_pixels

MOST_PICTURES = 60
MOST_QUARANTINED = 200
MOST_ODD = 200
_EXAMPLES = 3
_PICTURE_WIDTH = 240

REASONS: Mapping[Reason, str] = {
    Reason.MISSING: "not there any more",
    Reason.UNREADABLE: "may not be read, or is no ordinary file",
    Reason.EMPTY: "a file of no bytes",
    Reason.TRUNCATED: "ends before its container says",
    Reason.NOT_A_VIDEO: "no video, whatever its name says",
    Reason.NO_PICTURES: "only sound",
    Reason.DAMAGED: "some of its pictures cannot be decoded",
    Reason.CRASHED: "ended the process that looked at it",
    Reason.TOO_SHORT: "shorter than a window",
    Reason.TOO_SMALL: "a side is too small",
    Reason.BLACK: "black pictures in every window",
    Reason.CUT_RIDDEN: "a cut in every window",
    Reason.STILL: "nothing moves",
    Reason.MOSTLY_TEXT: "a page of text or a title",
    Reason.NO_CAPTION: "no caption that says something",
    Reason.NEAR_DUPLICATE: "looks like a clip that is held back",
}


@dataclass(frozen=True)
class Figure:
    """How the clips spread over one of their columns."""

    title: str
    unit: str
    spread: Spread


FIGURES: Sequence[tuple[str, str, Callable[[ClipRow], float]]] = (
    ("Length of the video", "s", lambda row: row.duration_seconds),
    ("Start of the window", "s", lambda row: row.start_seconds),
    ("Height", "px", lambda row: row.height),
    ("Aspect", "width to height", lambda row: row.width / row.height),
    ("Motion", "px at 480 rows", lambda row: row.motion),
    ("Sharpness", "grey levels²", lambda row: row.sharpness),
    ("Brightness", "", lambda row: row.brightness),
    ("Strongest break in the window", "", lambda row: row.scene_cut),
    ("Letters", "share of the picture", lambda row: row.text_share),
    ("Words in the prompt", "", lambda row: len(row.prompt.split())),
)


def write_report(result: MetadataResult, params: MetadataParams, root: Path, path: Path) -> None:
    """Writes the page; it holds no dates, so that the same set gives the same page.

    Raises:
        MachineError: the file cannot be written.
    """
    css = style(__package__, "report.css")
    shown = _sample(result.rows, params.seed)
    page = template(__package__, "report.html.j2").render(
        css=css,
        security=security(css, also="media-src file: 'self'; "),
        version=reelops.__version__,
        result=result,
        params=params,
        splits=SPLITS,
        sources=_by_source(result),
        licences=Counter(row.licence for row in result.rows).most_common(),
        reasons=_reasons(result.quarantined),
        words=REASONS,
        figures=_figures(result.rows),
        pictures=[(row, data_uri(_picture(root / row.image_path)), _window(row, root, path)) for row in shown],
        shown_odd=list(result.odd.items())[:MOST_ODD],
        shown_quarantined=result.quarantined[:MOST_QUARANTINED],
    )
    write_text_atomically(path, page)


def _sample(rows: Sequence[ClipRow], seed: int) -> list[ClipRow]:
    """Some of the clips, the same ones as long as they are there."""
    chosen = sorted(rows, key=lambda row: by_chance(2**63, seed, "sheet", row.clip_id))[:MOST_PICTURES]
    return sorted(chosen, key=lambda row: (SPLITS.index(row.split), row.clip_id))


def _picture(path: Path) -> bytes:
    return jpeg(read_pixels(path), _PICTURE_WIDTH)


def _window(row: ClipRow, root: Path, page: Path) -> str:
    """The address of a clip's window in its video, seen from the page (a media fragment, W3C)."""
    return f"{link_to(root / row.video_path, page)}#t={row.start_seconds:.6f},{row.end_seconds:.6f}"


def _by_source(result: MetadataResult) -> list[dict[str, Any]]:
    """Of each source: clips of each split, whole videos, and what was lost on the way."""
    rows: dict[str, list[ClipRow]] = defaultdict(list)
    for row in result.rows:
        rows[row.source].append(row)
    quarantined = Counter(clip.source for clip in result.quarantined)
    return [
        {
            "name": source,
            "lost": lost,
            "quarantined": quarantined[source],
            "clips": len(rows[source]),
            "origins": len({row.origin for row in rows[source]}),
            **{split: sum(row.split == split for row in rows[source]) for split in SPLITS},
        }
        for source, lost in result.lost.items()
    ]


def _reasons(quarantined: Sequence[QuarantinedClip]) -> list[tuple[Reason, int, list[QuarantinedClip]]]:
    """Each reason with its number and some examples, most first."""
    clips: dict[Reason, list[QuarantinedClip]] = defaultdict(list)
    for clip in quarantined:
        clips[clip.reason].append(clip)
    order = sorted(clips.items(), key=lambda one: (-len(one[1]), one[0]))
    return [(reason, len(some), some[:_EXAMPLES]) for reason, some in order]


def _figures(rows: Sequence[ClipRow]) -> list[Figure]:
    if not rows:
        return []
    values = [(title, unit, [of(row) for row in rows]) for title, unit, of in FIGURES]
    return [Figure(title, unit, spread(some, *axis_of(some))) for title, unit, some in values]
