"""Great Expectations over a table, and its Data Docs: pages that a reviewer reads without a program.

The project that Great Expectations keeps (suites, results of earlier runs) is in a subfolder; the pages stand on top.
What it does wrong is mended here: it reports to its makers, lists its pages by scripts from the network, takes values
of the table for markup (see `data_docs_view`), and its own quantile expectations cannot be saved, so that quantiles are
computed before and held to limits like any number.
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
from reelops.system.files import write_text_atomically
from reelops.system.write_errors import machine_error_if_full, machine_error_on_write

if TYPE_CHECKING:
    import pandas

PROJECT = "project"
INFINITE = float("inf")
_SECTIONS = ("expectations", "validations", "profiling")
_PLAIN_TEXT = {"module_name": "reelops.tables.data_docs_view", "class_name": "PlainTextPageView"}


def check_installed() -> None:
    """Great Expectations is here; importing it takes seconds.

    Raises:
        MachineError: it is not installed.
    """
    try:
        with _quiet():
            import great_expectations  # noqa: F401 - only whether it is here
    except ImportError as error:
        install = 'Install it with pip install "reelops[data]".'
        raise MachineError(f"Data Docs need great_expectations, which is not installed. {install}") from error


def write_site(
    name: str, title: str, suites: Mapping[str, tuple[pandas.DataFrame, Sequence[Any]]], folder: Path
) -> tuple[Path, list[str]]:
    """Checks tables, and writes the pages.

    Args:
        name: of the site, for Great Expectations.
        title: of the first page, for people.
        suites: by name a table and the expectations on it; a suite without any is left out.
        folder: becomes the site; results of earlier runs that it holds stay.

    Returns:
        The site's first page, and the names of the suites that are not met.

    Raises:
        MachineError: Great Expectations is not installed, or the folder cannot be written to.
    """
    check_installed()
    with machine_error_on_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with machine_error_if_full(folder), _quiet():
        import great_expectations

        context = great_expectations.get_context(mode="file", project_root_dir=str((folder / PROJECT).absolute()))
        _place_site(context, name, folder)
        failed = [
            suite
            for suite, (frame, wanted) in suites.items()
            if wanted and not _run(context, f"{name}_{suite}", suite, frame, wanted)
        ]
        context.build_data_docs()
    _mend_pages(folder, title)
    return folder / "index.html", failed


def between(column: str, low: float | None, high: float | None, **more: Any) -> Any:
    """The expectation that a column keeps to a range; None and infinity are no limit."""
    import great_expectations.expectations as expect

    low, high = (None if end is None or abs(end) == INFINITE else end for end in (low, high))
    return expect.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **more)


def with_tolerance(ends: tuple[float, float]) -> tuple[float, float]:
    """Sums of floats end a little beside where algebra says they do."""
    return ends[0] - 1e-9, ends[1] + 1e-9


def _run(context: Any, source_name: str, name: str, frame: pandas.DataFrame, expectations: Sequence[Any]) -> bool:
    """Whether the table meets the suite; the result is kept. Plain `add` would fail the next time."""
    import great_expectations as gx

    source = context.data_sources.add_or_update_pandas(source_name)
    batch = source.add_dataframe_asset("clips").add_batch_definition_whole_dataframe("all")
    suite = context.suites.add_or_update(gx.ExpectationSuite(name=name, expectations=list(expectations)))
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    checkpoint = context.checkpoints.add_or_update(
        gx.Checkpoint(name=name, validation_definitions=[definition], result_format={"result_format": "SUMMARY"})
    )
    return bool(checkpoint.run(batch_parameters={"dataframe": frame}).success)


def _place_site(context: Any, name: str, folder: Path) -> None:
    """The pages stand in the folder that the user named.

    It is told by the way from Great Expectations' own: in a whole path it would read variables of the environment, and
    it could not read again what is no Unicode.
    """
    place = os.path.relpath(folder, context.root_directory)
    site = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": place},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "site_section_builders": {section: {"view": _PLAIN_TEXT} for section in _SECTIONS},
    }
    known = context.get_site_names()
    (context.update_data_docs_site if name in known else context.add_data_docs_site)(site_name=name, site_config=site)
    for other in known:
        if other != name:
            context.delete_data_docs_site(other)


def _mend_pages(folder: Path, title: str) -> None:
    """Takes out a picture that tells the makers whenever a page is looked at, and lists the pages as plain links.

    The first page's own list is drawn by scripts from the network, so that without one it would be empty.
    """
    pages = sorted(folder.glob("expectations/*.html")) + sorted(folder.glob("validations/**/*.html"), reverse=True)
    for page in (folder / "index.html", *pages):
        text = page.read_text(encoding="utf-8")
        mended = _COUNTING_PICTURE.sub("", text)
        if page.name == "index.html" and page.parent == folder:
            mended = _BODY.sub(lambda body: body[0] + _links(pages, folder, title), mended, count=1)
        if mended != text:
            write_text_atomically(page, mended)


_COUNTING_PICTURE = re.compile(r"<img\b[^>]*great-expectations-web-assets[^>]*>")
_BODY = re.compile(r"<body\b[^>]*>")


def _links(pages: Sequence[Path], folder: Path, title: str) -> str:
    rows = "".join(
        f'<li><a href="{quote(page.relative_to(folder).as_posix())}">{html.escape(_name_of(page, folder))}</a></li>'
        for page in pages
    )
    return f"<nav><h1>{html.escape(title)}</h1><ul>{rows}</ul></nav>"


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
