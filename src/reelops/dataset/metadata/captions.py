"""Captions that a model can learn from: mended, without markup, neither too short nor too long, each once."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from reelops.dataset.metadata.params import CaptionParams
from reelops.dataset.metadata.window import by_chance
from reelops.prompts.press import press_prompt

# Elements of HTML that stand in captions without an end or without attributes, and tokens that language models leave in
# their answers. Any other word in angle brackets may be one that a model was taught: `<sks>`, `<cat-toy>`.
_ELEMENTS = frozenset(
    (
        *("a", "abbr", "audio", "b", "big", "blockquote", "body", "br", "center", "cite", "code", "dd", "div", "dl"),
        *("dt", "em", "figure", "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr"),
        *("html", "i", "iframe", "image", "img", "input", "ins", "kbd", "li", "meta", "nav", "ol", "p", "picture"),
        *("pre", "q", "s", "samp", "script", "section", "small", "span", "strike", "strong", "sub", "sup", "svg"),
        *("table", "tbody", "td", "th", "thead", "tr", "tt", "u", "ul", "video", "wbr", "bos", "eos", "pad", "unk"),
    )
)
_CUES = frozenset(("c", "v", "lang"))  # WebVTT's <c.yellow> and <v Roger>
_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][\w:-]*)(?P<rest>[^<>]*)>|<\|[^<>|]*\|>|<__dj__[a-z]+>|<!--.*?-->", re.DOTALL
)
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+")
_JOINERS = "\u200c\u200d"
# Signs of Arabic and Syriac that Unicode calls format characters, though they are seen.
_SEEN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
# The flags of England, Scotland and Wales: a black flag, its place in letters that are not seen, and their end.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f")
_VIRAMA = 9  # the combining class of the signs that bind consonants in the scripts of India
# Words have about two letters in Han and kana, about four in Thai, Lao, Burmese and Khmer.
_UNSPACED = re.compile(
    "[\u3005\u3041-\u309f\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+"
    "|[\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u109f\u1780-\u17d3]+"
)
_END_OF_SENTENCE = re.compile(r"[.!?](?=\s|$)")
# UTF-8 that was read as Windows' Latin alphabet shows one of these: "Ã©" for "é", "â€™" for an apostrophe.
_MISREAD = re.compile(r"[ÂÃâ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€]")


def clean_captions(captions: Sequence[str], params: CaptionParams) -> tuple[str, ...]:
    """Those that can be used, in their order."""
    cleaned = (_shortened(clean(caption), params.max_words) for caption in captions)
    return tuple(dict.fromkeys(one for one in cleaned if _words(one) >= params.min_words))


def clean(caption: str) -> str:
    """The caption as one line of plain text."""
    text = html.unescape(_without_tags(html.unescape(_reread(caption))))
    text = unicodedata.normalize("NFC", _ADDRESS.sub(" ", _without_tags(text)).replace("\ufffd", ""))
    return re.sub(r"\s+([.,;:!?])(?=\s|$)", r"\1", " ".join(_readable(text).split())).strip(" ,;:|-")


def choose_prompt(captions: Sequence[str], category: str | None, params: CaptionParams, chance: str) -> str:
    """The caption that is learnt from, as the template puts it."""
    caption = captions[by_chance(len(captions), chance, "caption")]
    return press_prompt(caption, category) if params.template == "press" else caption


def _without_tags(text: str) -> str:
    ended = {match["name"].lower() for match in _TAG.finditer(text) if match["end"]}

    def is_markup(tag: re.Match[str]) -> bool:
        name, rest = (tag["name"] or "").lower(), (tag["rest"] or "").strip()
        return (
            not name
            or bool(tag["end"])
            or name in _ELEMENTS | ended
            or "=" in rest
            or rest == "/"
            or (name in _CUES and bool(rest))
        )

    return _TAG.sub(lambda tag: " " if is_markup(tag) else tag[0], text)


def _readable(text: str) -> str:
    """Text without what nobody sees, but for what joins the letters of Persian and Hindi and the parts of an emoji.

    Letters that this Python does not know are left alone: a newer one knows them.
    """
    flags = {place for match in _FLAG.finditer(text) for place in range(*match.span())}
    letters = []
    for place, letter in enumerate(text):
        kind = unicodedata.category(letter)
        if kind == "Cf" and letter not in _SEEN_FORMATS and place not in flags:
            if letter in _JOINERS and _joins(text, place):
                letters.append(letter)
        else:
            letters.append(" " if kind in ("Cc", "Co", "Cs") else letter)
    return "".join(letters)


def _joins(text: str, place: int) -> bool:
    """Whether the joiner there has something to join: a sign that is no ASCII on either side, or a virama before it."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    beside = [one for one in (before, after) if one and not one.isascii() and not one.isspace()]
    return len(beside) == 2 or (bool(before) and unicodedata.combining(before) == _VIRAMA)


def _words(caption: str) -> float:
    """How many words it has; Chinese, Japanese and Thai, which put no spaces between them, are counted by letters."""
    spaced = sum(any(letter.isalnum() for letter in word) for word in _UNSPACED.sub(" ", caption).split())
    return spaced + sum(len(run) / (2 if run[0] >= "\u3000" else 4) for run in _UNSPACED.findall(caption))


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
