"""Whether a prompt asks for light that changes: then light that changes is no fault."""

from __future__ import annotations

import re
import unicodedata

# Changes alone. "A street at sunset" says how light is, and asks for none.
_CHANGES = re.compile(
    r"""
    \bnight[ -]?fall(s|ing|en)?\b | \bnight\ is\ (falling|coming)
    | \b(dusk|darkness|dawn)\ (falls|fell|breaks|comes|settles)
    | \b(sun|moon)\ (slowly\ |quickly\ )?(sets|is\ setting|goes\ down|rises|is\ rising|comes\ (up|out)|disappears)
    | \b(day|night)\ (turns\ |turning\ |changes\ |fades\ )?(in)?to\ (the\ )?(night|day)\b
    | \b(turn|turns|turning|fade|fades|fading|sinks|sinking)\ (in)?to\ (the\ )?
      (night|dusk|dawn|darkness|dark|black|white|sunset|sunrise)\b
    | \b(get|gets|getting|grow|grows|growing|become|becomes|becoming|turn|turns|turning)\ (slowly\ |ever\ |much\ )?
      (dark|darker|bright|brighter|light|lighter|dim|dimmer)\b
    | \b(darken|brighten|dim)(s|ing)\b
    | \b(light|lights|lamp|lamps|lantern|lanterns|sunlight|daylight)\ (slowly\ |suddenly\ )?
      (go|goes|going|turn|turns|come|comes|fade|fades|fading|dim|dims|is\ fading|is\ dimming)
      (\ (out|off|on|away|up|down))?\b
    | \bfad(e|es|ing)[ -](in|out)\b | \btime[ -]?lapse\b
    | \b(es\ wird\ (dunkel|dunkler|hell|heller|nacht)|(die\ )?nacht\ bricht|die\ sonne\ geht|einbruch\ der\ nacht)
    | \b(la\ nuit\ tombe|tombee\ de\ la\ nuit|le\ soleil\ se\ (couche|leve)|le\ jour\ se\ leve)
    | \b(cae\ la\ noche|anochece|amanece|atardece|el\ sol\ se\ pone|sale\ el\ sol|oscurece)
    | \b(cala\ la\ notte|scende\ la\ notte|il\ sole\ (tramonta|sorge)|si\ fa\ buio)
    | \b(anoitece|cai\ a\ noite|o\ sol\ se\ poe|escurece|amanhece)
    | 夜幕降临|天黑|日落|日出|天亮|變暗|变暗|变亮 | 日が暮れ|夜になる|暗くなる|明るくなる|夜が明け
    | يحل\ الليل|تغرب\ الشمس|تشرق\ الشمس | रात\ हो|सूर्यास्त\ हो|अंधेरा\ हो
    """,
    re.VERBOSE,
)
_DENIED = re.compile(r"\b(no|not|without|never|ohne|kein\w*|sans|sin|senza|sem)\b[^.,;:!?]{0,20}$")


def asks_for_changing_light(prompt: str) -> bool:
    """Whether night falls, a lamp goes out, or the picture fades, by the prompt's own words.

    It knows them in English and, the commonest ones, in the other languages that camera moves are understood in.
    """
    marks = unicodedata.normalize("NFKD", prompt.casefold().replace("\u2019", "'"))
    text = unicodedata.normalize(
        "NFC", "".join(one for one in marks if unicodedata.category(one) != "Mn" or one > "\u0900")
    )
    text = re.sub(r"\s+", " ", text)
    return any(not _DENIED.search(text[: found.start()]) for found in _CHANGES.finditer(text))
