"""What of an order's words a CogVideoX base can read, and what the user should know about that."""

from __future__ import annotations

from collections.abc import Iterator

from reelops.camera.request import CameraRequest, camera_request
from reelops.clip import ClipOrder
from reelops.cogvideox.profiles import Profile


def model_prompt(order: ClipOrder, profile: Profile) -> str:
    """The prompt as the base gets it: the user's own, or the first move alone in words that the base was taught.

    That is where a base of camera moves alone would make none of them, or another: of a move in another language, and
    of several. Under an adapter the user's words follow, for those that the adapter was taught.
    """
    request = camera_request(order.prompt)
    if not profile.camera_moves_only or not _needs_other_words(request):
        return order.prompt
    return f"{request.phrase}. {order.prompt}" if order.adapter else request.phrase


def notes_on(order: ClipOrder, profile: Profile) -> tuple[str, ...]:
    """What the user should know before the work."""
    return tuple(_notes_on(order, profile))


def _notes_on(order: ClipOrder, profile: Profile) -> Iterator[str]:
    request = camera_request(order.prompt)
    if not profile.camera_moves_only:
        if request.moves or request.denied:
            yield request.described()
        if not request.is_english or not _is_mostly_ascii(order.prompt):
            yield f"{profile.name} reads English; say it in English for what is asked to be in the clip"
        return
    instead = "" if request.moves else f"; {profile.name} then does a {request.phrase}, as a rule"
    yield f"{request.described()}{instead}"
    if (given := model_prompt(order, profile)) != order.prompt:
        yield f"{profile.name} was taught camera moves in English, one per clip, so it is given “{given}”"
    if order.steps is not None and order.steps > profile.steps:
        steps = "1 step" if profile.steps == 1 else f"{profile.steps} steps"
        yield f"{profile.name} is made for {steps}; more take longer and add grain"
    if order.guidance is not None and order.guidance > profile.guidance:
        yield f"{profile.name} is made for guidance {profile.guidance:g}; more burns colours"
    if order.seed != ClipOrder.model_fields["seed"].default:
        yield f"seeds hardly change what {profile.name} makes of a picture and a move"


def _needs_other_words(request: CameraRequest) -> bool:
    return bool(request.moves) and (not request.is_english or len(request.moves) > 1)


def _is_mostly_ascii(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(letter.isascii() for letter in letters) >= len(letters)
