"""A take as a page in Prefect."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from reelops.pages.markdown import inline
from reelops.pages.pictures import data_uri, jpeg
from reelops.production.take import Take
from reelops.system.plain_text import spelt_out
from reelops.video.picture import read_pixels
from reelops.views.take import on_both, score_rows

ARTIFACT_KEY = "generated-clip"
SHEET_WIDTH = 960


@task(timeout_seconds=120, cache_policy=NO_CACHE)
def show_clip(take: Take) -> None:
    create_markdown_artifact(spelt_out(report(take)), key=ARTIFACT_KEY, description=take.order.prompt)


def report(take: Take) -> str:
    """The take as Markdown: contact sheet, verdict with every reason, scores, where everything is, lineage."""
    reasons = [f"- {reason.text}" for reason in take.verdict.reasons]
    notes = [f"- {note}" for note in (*take.notes, *([take.tracking_failure] if take.tracking_failure else []))]
    scores = [f"| {title} | {value} |" for title, value in score_rows(take)]
    seconds = [f"| {stage} | {value:.1f} |" for stage, value in take.seconds.items()]
    places = [f"| {name} | `{place}` |" for name, place in _places(take).items()]
    return "\n".join(
        [
            f"# {take.verdict.decision.value.capitalize()}: {inline(take.order.prompt)}",
            f"\n![contact sheet]({data_uri(jpeg(read_pixels(take.contact_sheet), SHEET_WIDTH))})\n",
            *reasons,
            *([f"\n{both}"] if (both := on_both(take)) else []),
            "\n| score | value |\n| --- | --- |",
            *scores,
            "\n| where | |\n| --- | --- |",
            *places,
            "\n| stage | seconds |\n| --- | --- |",
            *seconds,
            *(["\n## Notes\n", *notes] if notes else []),
        ]
    )


def _places(take: Take) -> dict[str, str]:
    places = {
        "clip": str(take.clip.path),
        "contact sheet": str(take.contact_sheet),
        "details": str(take.sidecar),
        "sha256": take.clip.sha256,
        "lineage": str(take.lineage),
        "seed": str(take.order.seed),
    }
    if take.tracked:
        places |= {"MLflow run": take.tracked.run_id, "MLflow": take.tracked.look}
    return places
