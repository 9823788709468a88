"""Captions that a model can learn from: mended, without markup, neither too short nor too long, each once."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from reelops.dataset.metadata.params import CaptionParams
from reelops.dataset.metadata.window import by_chance
from reelops.prompts.press import press_prompt

_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+")
_UNSEEN = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffd]")
_END_OF_SENTENCE = re.compile(r"[.!?](?=\s|$)")
# UTF-8 that was read as Windows' Latin alphabet shows one of these: "Ã©" for "é", "â€™" for an apostrophe.
_MISREAD = re.compile(r"[ÂÃâ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€]")


def clean_captions(captions: Sequence[str], params: CaptionParams) -> tuple[str, ...]:
    """Those that can be used, in their order."""
    cleaned = (_shortened(clean(caption), params.max_words) for caption in captions)
    return tuple(dict.fromkeys(one for one in cleaned if _words(one) >= params.min_words))


def clean(caption: str) -> str:
    """The caption as one line of plain text."""
    text = html.unescape(_TAG.sub(" ", html.unescape(_reread(caption))))
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", _ADDRESS.sub(" ", _TAG.sub(" ", text))))
    printable = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in text)
    return re.sub(r"\s+([.,;:!?])(?=\s|$)", r"\1", " ".join(printable.split())).strip(" ,;:|-")


def choose_prompt(captions: Sequence[str], category: str | None, params: CaptionParams, chance: str) -> str:
    """The caption that is learnt from, as the template puts it."""
    caption = captions[by_chance(len(captions), chance, "caption")]
    return press_prompt(caption, category) if params.template == "press" else caption


def _words(caption: str) -> int:
    return sum(any(letter.isalnum() for letter in word) for word in caption.split())


def _reread(caption: str) -> str:
    """Mended where its letters were read in the wrong alphabet; else as it is."""
    if not _MISREAD.search(caption):
        return caption
    try:
        return caption.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return caption


def _shortened(caption: str, max_words: int) -> str:
    words = caption.split()
    if len(words) <= max_words:
        return caption
    text = " ".join(words[:max_words])
    ends = [match.end() for match in _END_OF_SENTENCE.finditer(text)]
    return text[: ends[-1]] if ends else text
