"""What becomes of a clip after its generation: how long and how large it is in the end, and how its picture helps."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from reelops.clip import MAX_FRAMES, ClipFormat, ClipOrder, WantedSize
from reelops.errors import ClipFormatError

_AS_NEAR = 0.025  # between two shapes: what a whole number of tokens costs, and hardly more


@dataclass(frozen=True)
class Finish:
    """The finished clip.

    Attributes:
        num_frames: more than were generated are made by going on from the last one; of more than these the rest is cut
            off.
        width, height: in pixels.
        detail: whether the picture's own detail is carried along the clip's motion.
        notes: for the user.
    """

    num_frames: int
    width: int
    height: int
    detail: bool = False
    notes: tuple[str, ...] = ()

    def changes_frames_of(self, clip: ClipFormat) -> bool:
        """Whether the clip's frames are not the finished ones already."""
        return self.detail or (self.width, self.height) != (clip.width, clip.height)


def plan_finish(
    order: ClipOrder, clip: ClipFormat, picture: tuple[int, int], size_of_profile: str | None = None
) -> Finish:
    """What an order asks for beyond the clip that is generated.

    Args:
        clip: as it is generated.
        picture: width and height of the picture in pixels, upright.
        size_of_profile: the finished clip's size where the order names neither this nor the generated one.

    Raises:
        ClipFormatError: the size asked for has another shape, or is below the generated one.
    """
    num_frames = clip.num_frames if order.seconds is None else frames_of(order.seconds, clip)
    bare = (clip.width, clip.height)
    size, notes = bare, list[str]()
    if (wanted := _wanted(order, size_of_profile)) is not None:
        asked = wanted.of_shape(clip.width / clip.height)
        _check(order, asked, clip)
        width, height, reduced = within_picture(asked, clip.width / clip.height, picture, order.fit)
        if width > clip.width and height > clip.height:
            size, told = (width, height), reduced
        else:
            told = (f"the picture is {picture[0]}x{picture[1]}, so the clip stays at {bare[0]}x{bare[1]}",)
        notes += told if order.size is not None and asked != bare else ()
    larger = size != bare
    detail = order.detail == "on" or (order.detail == "auto" and larger)
    if detail and not _has_detail(clip, picture, order.fit):
        notes.append("the picture has no more detail than the clip, so none is carried")
        detail = False
    if larger and not detail:
        notes.append(f"enlarged from {bare[0]}x{bare[1]} without the picture's detail, so it is soft")
    return Finish(num_frames, *size, detail, tuple(notes))


def frames_of(seconds: float, clip: ClipFormat) -> int:
    """Frames that last so long at the clip's rate; at least two, as motion needs two.

    Raises:
        ClipFormatError: they are more than a clip of ours can have.
    """
    num_frames = max(2, round(seconds * clip.fps))
    if num_frames > MAX_FRAMES:
        raise ClipFormatError(
            f"{seconds:g} seconds are {num_frames} frames, more than {MAX_FRAMES}. "
            f"Ask for {float(MAX_FRAMES / clip.fps):g} at most."
        )
    return num_frames


def within_picture(
    asked: tuple[int, int], aspect: float, picture: tuple[int, int], fit: str
) -> tuple[int, int, tuple[str, ...]]:
    """The size asked for, or the largest of its shape for which the picture need not be enlarged; and a note on that.

    Args:
        asked, picture: width and height in pixels.
        aspect: the shape of what is asked for, before its sides were rounded to even numbers.
        fit: whether the picture is cropped or padded to the shape.
    """
    width = (min if fit == "crop" else max)(picture[0], picture[1] * aspect)
    if width >= asked[0] or round(width / aspect) >= asked[1]:
        return (*asked, ())
    size = WantedSize(int(min(width, width / aspect) + 1e-6) // 2 * 2).of_shape(aspect)
    note = f"the picture is {picture[0]}x{picture[1]}, so the clip is {size[0]}x{size[1]}, not {asked[0]}x{asked[1]}"
    return (*size, (note,))


def _wanted(order: ClipOrder, size_of_profile: str | None) -> WantedSize | None:
    if order.size is not None:
        return WantedSize.parse(order.size)
    left_open = order.detail != "off" and order.width is None and order.height is None
    return WantedSize.parse(size_of_profile) if size_of_profile and left_open else None


def _check(order: ClipOrder, asked: tuple[int, int], clip: ClipFormat) -> None:
    if abs(log(asked[0] / asked[1]) - log(clip.width / clip.height)) > _AS_NEAR:
        short = min(asked)
        like = "x".join(map(str, WantedSize(short).of_shape(clip.width / clip.height)))
        raise ClipFormatError(
            f"{asked[0]}x{asked[1]} has another shape than the {clip.width}x{clip.height} that {order.profile} "
            f"makes of it. Ask for {short}p, which is {like}."
        )
    if asked[0] < clip.width or asked[1] < clip.height:
        raise ClipFormatError(
            f"{asked[0]}x{asked[1]} is smaller than the {clip.width}x{clip.height} that {order.profile} makes. "
            f"Ask for {min(clip.width, clip.height)}p or more."
        )


def _has_detail(clip: ClipFormat, picture: tuple[int, int], fit: str) -> bool:
    """Whether the picture is not smaller than the clip as it is generated."""
    return not within_picture((clip.width, clip.height), clip.width / clip.height, picture, fit)[2]
