"""Progress of a part of the work, told as progress of the whole."""

from __future__ import annotations

from reelops.progress import Event, Progress, RunContext


def within(context: RunContext, stage: str, begin: float, length: float, total: float) -> RunContext:
    """A context for a part of `stage` that goes from `begin` over `length` of `total`; it counts in any units."""

    def on_event(event: Event) -> None:
        if isinstance(event, Progress):
            share = min(1.0, event.done / event.total) if event.total else 0.0
            context.progress(stage, begin + share * length, total, detail=event.detail or _in_words(event))
        else:
            context.on_event(event)

    return RunContext(on_event, context.should_stop)


def _in_words(event: Progress) -> str:
    return f"{event.stage.replace('_', ' ')}, {event.done:,.0f} of {event.total:,.0f} {event.unit}".rstrip()
