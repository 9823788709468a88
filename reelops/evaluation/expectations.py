"""A Great Expectations suite over the table of scores, with Data Docs: pages that a reviewer reads without a program.

Three suites. `table`: what must hold of any such table, as in the contract. `gate`: which share of the clips keeps to
each limit. `summary`: one row of precomputed medians and shares, held to the limits of acceptance; Great Expectations'
own quantile expectations cannot be saved. The verdicts are the gate's; these pages show what they rest on.

The project that Great Expectations keeps (suites, results of earlier runs) is in a subfolder; the pages stand on top.
"""

from __future__ import annotations

import contextlib
import html
import io
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reelops.errors import MachineError
from reelops.evaluation.contracts import SHA256, range_of
from reelops.evaluation.plots import values_of
from reelops.evaluation.scored_clip import ANSWERS, UNREADABLE, ScoredClip, counts
from reelops.evaluation.tables import DATA_EXTRA, NUMBERS, WHOLE_NUMBERS, frame_of
from reelops.files import write_text_atomically
from reelops.gates import GateLimits, Limit

if TYPE_CHECKING:
    import pandas

PROJECT = "project"
INFINITE = float("inf")


def write_data_docs(clips: Sequence[ScoredClip], folder: Path) -> tuple[Path, list[str]]:
    """Checks the table of scores, and writes the pages.

    Args:
        folder: becomes the site; results of earlier runs that it holds stay.

    Returns:
        The site's first page, and what the user should be told aloud: suites that found something.

    Raises:
        MachineError: Great Expectations is not installed, or the folder cannot be written to.
    """
    try:
        with _quiet():
            import great_expectations
    except ImportError as error:
        raise MachineError(f"Data Docs need great_expectations, which is not installed. {DATA_EXTRA}") from error
    folder.mkdir(parents=True, exist_ok=True)
    limits = {clip.limits.name: clip.limits for clip in clips if clip.limits}
    suites = {
        "table": (frame_of(clips), table_expectations()),
        "gate": (frame_of(clips), gate_expectations(limits)),
        "summary": (summary_frame(clips), summary_expectations(clips)),
    }
    with _quiet():
        context = great_expectations.get_context(mode="file", project_root_dir=str((folder / PROJECT).absolute()))
        _place_site(context, folder)
        failed = [name for name, (frame, wanted) in suites.items() if wanted and not _run(context, name, frame, wanted)]
        context.build_data_docs()
    _mend_pages(folder)
    notes = [f"the expectations on {_WHAT[name]} are not all met; see the Data Docs." for name in failed]
    return folder / "index.html", notes


_WHAT = {"table": "the table itself", "gate": "single clips", "summary": "the clips as a whole"}


def table_expectations() -> list[Any]:
    """What must hold of any table of scores."""
    import great_expectations.expectations as expect

    return [
        expect.ExpectColumnValuesToNotBeNull(column="clip"),
        expect.ExpectColumnValuesToBeUnique(column="clip"),
        expect.ExpectColumnValuesToMatchRegex(column="sha256", regex=SHA256),
        expect.ExpectColumnValuesToBeInSet(column="answer", value_set=list(ANSWERS)),
        *(_between(expect, name, *_roughly(range_of(name))) for name in (*WHOLE_NUMBERS, *NUMBERS)),
    ]


def gate_expectations(limits: Mapping[str, GateLimits]) -> list[Any]:
    """That clips keep to the limits of acceptance, for each profile that some are judged by."""
    import great_expectations.expectations as expect
    from great_expectations.expectations.row_conditions import Column

    return [
        _between(
            expect,
            metric,
            *_accepted(limit),
            row_condition=Column("limits") == name,
            severity="warning",
            notes=f"Limits of profile {name}. Rejected or to be reviewed are the clips beyond.",
        )
        for name, gate in limits.items()
        for metric, limit in gate.metrics.items()
        if metric in NUMBERS
    ]


def summary_frame(clips: Sequence[ScoredClip]) -> pandas.DataFrame:
    """One row: the share of each answer, and of each metric the median and the fifth and ninety-fifth percentile."""
    import numpy as np
    import pandas

    row: dict[str, float] = {"clips": float(len(clips))}
    row |= {f"share_{answer}": number / max(1, len(clips)) for answer, number in counts(clips).items()}
    for metric in NUMBERS:
        if values := values_of(clips, metric):
            p05, median, p95 = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
            row |= {f"{metric}_p05": p05, f"{metric}_median": median, f"{metric}_p95": p95}
    return pandas.DataFrame([row])


def summary_expectations(clips: Sequence[ScoredClip]) -> list[Any]:
    """That every clip could be scored, and the median clip would be accepted."""
    import great_expectations.expectations as expect

    judged = [clip.limits for clip in clips if clip.limits]
    limits = judged[0].metrics if judged and all(one == judged[0] for one in judged) else {}
    medians = [
        _between(expect, f"{metric}_median", *_accepted(limit), notes="Limits of acceptance.")
        for metric, limit in limits.items()
        if values_of(clips, metric)
    ]
    return [_between(expect, f"share_{UNREADABLE}", 0, 0, notes="Clips that could not be scored."), *medians]


def _between(expect: Any, column: str, low: float | None, high: float | None, **more: Any) -> Any:
    low, high = (None if end is None or abs(end) == INFINITE else end for end in (low, high))
    return expect.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **more)


def _roughly(ends: tuple[float, float]) -> tuple[float, float]:
    """Sums of floats end a little beside where algebra says they do."""
    return ends[0] - 1e-9, ends[1] + 1e-9


def _accepted(limit: Limit) -> tuple[float | None, float | None]:
    """Between which values a clip is accepted."""
    low = limit.review_below if limit.review_below is not None else limit.reject_below
    high = limit.review_above if limit.review_above is not None else limit.reject_above
    return low, high


def _run(context: Any, name: str, frame: pandas.DataFrame, expectations: Sequence[Any]) -> bool:
    """Whether the table meets the suite; the result is kept. Plain `add` would fail the next time."""
    import great_expectations as gx

    source = context.data_sources.add_or_update_pandas(f"scores_{name}")
    batch = source.add_dataframe_asset("clips").add_batch_definition_whole_dataframe("all")
    suite = context.suites.add_or_update(gx.ExpectationSuite(name=name, expectations=list(expectations)))
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add_or_update(
        gx.Checkpoint(name=name, validation_definitions=[definition], result_format={"result_format": "SUMMARY"})
    )
    return bool(checkpoint.run(batch_parameters={"dataframe": frame}).success)


def _place_site(context: Any, folder: Path) -> None:
    """The pages stand in the folder that the user named."""
    site = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    known = context.get_site_names()
    (context.update_data_docs_site if "scores" in known else context.add_data_docs_site)(
        site_name="scores", site_config=site
    )
    for other in known:
        if other != "scores":
            context.delete_data_docs_site(other)


def _mend_pages(folder: Path) -> None:
    """Takes out a picture that tells the makers whenever a page is looked at, and lists the pages as plain links.

    The first page's own list is drawn by scripts from the network, so that without one it would be empty.
    """
    pages = sorted(folder.glob("expectations/*.html")) + sorted(folder.glob("validations/**/*.html"), reverse=True)
    for page in (folder / "index.html", *pages):
        text = page.read_text(encoding="utf-8")
        mended = _COUNTING_PICTURE.sub("", text)
        if page.name == "index.html" and page.parent == folder:
            mended = _BODY.sub(lambda body: body[0] + _links(pages, folder), mended, count=1)
        if mended != text:
            write_text_atomically(page, mended)


_COUNTING_PICTURE = re.compile(r"<img\b[^>]*great-expectations-web-assets[^>]*>")
_BODY = re.compile(r"<body\b[^>]*>")


def _links(pages: Sequence[Path], folder: Path) -> str:
    rows = "".join(
        f'<li><a href="{quote(page.relative_to(folder).as_posix())}">{html.escape(_name_of(page, folder))}</a></li>'
        for page in pages
    )
    return f"<nav><h1>Data Docs of ReelOps scores</h1><ul>{rows}</ul></nav>"


def _name_of(page: Path, folder: Path) -> str:
    kind, suite, *rest = page.relative_to(folder).with_suffix("").parts
    return f"Expectations: {suite}" if kind == "expectations" else f"Results: {suite}, {rest[1]}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without its bars, its log and its reports to its makers."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)
