"""The words that speak of cameras, in tables alone: what `sentence` needs to know of a language is here."""

from __future__ import annotations

from reelops.camera.moves import CameraMove

ZOOM_IN, ZOOM_OUT = CameraMove.ZOOM_IN, CameraMove.ZOOM_OUT
LEFT, RIGHT, UP, DOWN = CameraMove.PAN_LEFT, CameraMove.PAN_RIGHT, CameraMove.TILT_UP, CameraMove.TILT_DOWN

_IN = dict.fromkeys(("in", "into", "inward", "inwards"), ZOOM_IN)
_NEARER = dict.fromkeys(("forward", "forwards", "closer", "nearer"), ZOOM_IN)
_ONTO = dict.fromkeys(("on", "onto", "toward", "towards"), ZOOM_IN)
_OUT = dict.fromkeys(("out", "outward", "outwards", "back", "backward", "backwards", "away"), ZOOM_OUT)
_SIDEWAYS = {"left": LEFT, "leftward": LEFT, "leftwards": LEFT, "right": RIGHT, "rightward": RIGHT, "rightwards": RIGHT}
_UPRIGHT = {"up": UP, "upward": UP, "upwards": UP, "down": DOWN, "downward": DOWN, "downwards": DOWN}
_ANYWHERE = _IN | _NEARER | _OUT | _SIDEWAYS | _UPRIGHT

# Verbs and nouns of filming, with the words after them that say where to. They need no camera beside them.
FILMING = {
    "zoom": _IN | _NEARER | _ONTO | _OUT,
    "pan": _SIDEWAYS | _UPRIGHT,
    "tilt": _UPRIGHT,
    "dolly": _IN | _NEARER | _OUT | _SIDEWAYS,
    "push": _IN | _NEARER,
    "pull": _OUT,
}
# What anything can do: only where the camera does it, or it is done to the camera.
MOVING = dict.fromkeys(
    ("move", "track", "truck", "slide", "glide", "fly", "float", "drift", "travel", "sweep", "swing", "crane", "boom"),
    _ANYWHERE,
)
# What needs no word after it.
RISING = {"rise": UP, "ascend": UP, "descend": DOWN}
# Filming words that are also something else, and before which only these words make them mean filming.
DOUBLE_MEANING = frozenset({"push", "pull", "dolly"})

# "left pan", "upward tilt", "forward dolly": where to, before a noun.
BEFORE_NOUN = {
    "pan": _SIDEWAYS | _UPRIGHT,
    "tilt": _UPRIGHT,
    "dolly": _NEARER | {"backward": ZOOM_OUT, "backwards": ZOOM_OUT},
}

CAMERA = frozenset(
    {"camera", "cameras", "cam", "shot", "view", "viewpoint", "lens", "frame", "footage", "video", "perspective", "pov"}
    | {"scene", "image", "picture", "operator", "cameraman", "camerawoman", "cinematographer", "videographer", "we"}
)
# What follows a camera's name makes it another thing: a view that is moved to, a shot that is fired.
POINTED_AT = frozenset({"to", "toward", "towards", "at", "for", "into", "facing", "past", "behind", "near", "off"})
IN_PLACE_OF_CAMERA = frozenset({"it", "which", "that"})

MANNER = frozenset(
    {
        "slow",
        "gentle",
        "subtle",
        "fast",
        "quick",
        "rapid",
        "smooth",
        "steady",
        "dramatic",
        "cinematic",
        "slight",
        "soft",
    }
    | {"long", "short", "small", "whip", "crash", "snap", "sudden", "gradual", "continuous", "constant", "light", "big"}
    | {"simple", "single", "full", "wide", "aerial", "handheld", "sweeping", "creeping"}
)
"""Adjectives of a camera move; a noun after one of them is filming."""
FILLERS = frozenset(
    {
        "then",
        "also",
        "now",
        "just",
        "first",
        "finally",
        "always",
        "afterwards",
        "once",
        "again",
        "still",
        "next",
        "ever",
    }
    | {"all", "the", "way", "over", "across", "around", "round", "further", "bit", "little", "straight", "a", "an"}
)
AUXILIARY = frozenset(
    {"is", "are", "was", "be", "being", "been", "will", "should", "must", "can", "may", "shall", "does", "do", "did"}
    | {"has", "have", "begins", "begin", "starts", "start", "continues", "continue", "keeps", "keep", "to", "please"}
)
STARTING = frozenset({"begin", "begins", "start", "starts", "continue", "continues"})
JOINING = frozenset(
    {"and", "then", "or", "nor", "before", "while", "as", "but", "with", "by", "of", "using", "plus", "after", "into"}
    | {"until", "when", "via", "followed", "from", "style", "effect", "camerawork", "movement", "motion", "move"}
)
ARTICLES = frozenset({"a", "an", "the", "any", "this", "one"})
OWNERS = frozenset(
    {"her", "his", "its", "their", "my", "our", "your", "this", "that", "the", "a", "an", "some", "each"}
)

PEOPLE = frozenset(
    {
        "he",
        "she",
        "they",
        "i",
        "you",
        "who",
        "somebody",
        "someone",
        "everybody",
        "everyone",
        "people",
        "person",
        "crowd",
    }
    | {"man", "men", "woman", "women", "boy", "boys", "girl", "girls", "kid", "kids", "child", "children", "baby"}
    | {"reporter", "soldier", "soldiers", "player", "players", "team", "guy", "guys", "lady", "student", "students"}
    | {"car", "cars", "bike", "bikes", "bikers", "bus", "train", "trains", "bee", "bees", "dog", "cat", "bird", "birds"}
    | {"user", "hand", "hands", "finger", "fingers", "chef", "cook", "tourist", "tourists", "her", "him", "them"}
)
"""Who does things of their own; the reader needs these only before bare forms, where grammar alone does not tell."""
COOKWARE = frozenset(
    {
        "frying",
        "sauce",
        "baking",
        "roasting",
        "roast",
        "hot",
        "iron",
        "steel",
        "metal",
        "copper",
        "grill",
        "cake",
        "pie",
    }
    | {"muffin", "stick", "bed", "dust", "bread", "cooking", "paella", "saute", "oil", "oiled", "large", "shallow"}
    | {"his", "her", "their", "my", "your", "in", "into", "on", "onto", "from", "out", "the", "each", "every"}
)
"""Before "pan" they make it a thing that food lies in."""
NO_DIRECTION = frozenset(
    {"next", "beside", "behind", "near", "above", "below", "under", "there", "here", "now", "away", "off", "side"}
    | {"hand", "foot", "beneath", "before", "unattended", "alone"}
)
"""After "left" or "right" they make it no direction: right beside the stove."""
LEFT_THERE = frozenset({"on", "in", "at", "by", "out", "to"})
"""After "a pan left" they make it one that was left."""
CALLS = frozenset({"on", "via", "through"})
"""Before "zoom" they make it the place where people meet."""

NEGATIONS = frozenset(
    {"no", "not", "never", "without", "avoid", "avoids", "avoiding", "cannot", "neither", "nor", "zero"}
)
NEGATING_PAIRS = frozenset({("instead", "of"), ("rather", "than")})

STILL = frozenset({"static", "fixed", "stationary", "motionless", "unmoving", "immobile", "locked"})
STILL_OR_CALM = frozenset({"still", "steady"})
"""Still where they are said of a camera alone: a still lake, a steady rain."""
STILL_NOUNS = frozenset({"shot", "camera", "cam", "frame", "framing", "view", "viewpoint", "angle", "tripod", "lens"})
STILL_NOUNS_AFTER_CALM = frozenset({"camera", "cam", "shot", "frame"})
STAYING = frozenset({"stays", "stay", "remains", "remain", "is", "keeps", "holds", "stands", "held", "kept", "staying"})
HOLDING = frozenset({"keep", "hold", "leave", "keeping", "holding", "leaving"})
HAVING = frozenset({"hold", "holds", "holding", "carry", "carries", "carrying", "buy", "buys", "with", "own", "owns"})
MOTION = frozenset({"movement", "movements", "motion", "motions", "move", "moves", "moving"})
HEARD = frozenset({"radio", "speaker", "speakers", "loudspeaker", "phone", "line", "airwaves", "intercom"})
CLAUSES = frozenset({"and", "while", "as", "when", "but", "then", "where", "who", "until", "because", "if"})
"""What begins a clause with somebody in it."""
