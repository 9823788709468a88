"""Prompts in the words of a press picture's caption, the same form for every clip, so that results compare."""

from __future__ import annotations

PRESS = "News footage, {subject}: {caption} Natural light, documentary camera, true to life."
SUBJECTS = {
    "news/events/politics": "politics",
    "sports/actions": "sport",
    "music": "culture",
    "education": "education",
    "science/technology": "science and technology",
    "travel": "travel",
    "food/drink": "food",
    "animals/pets": "animals",
}
"""What a press desk calls the categories that are common in data sets; others are reports."""


def press_prompt(caption: str, category: str | None = None) -> str:
    """A caption as a press prompt.

    Args:
        caption: one sentence or more, with or without its full stop.
        category: the publisher's word for what the clip is about.
    """
    sentence = caption[:1].upper() + caption[1:]
    subject = SUBJECTS.get((category or "").lower(), "report")
    return PRESS.format(subject=subject, caption=sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.")
