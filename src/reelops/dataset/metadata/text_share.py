"""How much of a picture letters cover: enough to know a page of text, a title or a slide from a scene."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.optical_flow.working_size import at_rows

ROWS = 240
# A stroke of a letter differs from what lies around it by so many grey levels, and is at most so wide.
_STROKE_CONTRAST = 40
_STROKE_SPAN = 7
# Letters of one line stand at most so far apart.
_GAP = 9
# A line of text is so many pixels high, longer than high, and strokes fill a part of it that is neither small nor all.
_LINE_HEIGHT = (5, 48)
_LEAST_ASPECT = 2.0
_INK = (0.18, 0.75)


def text_share(gray_HW: np.ndarray) -> float:
    """Share of a picture that lines of text seem to cover: [0, 1].

    Thin strokes, lighter or darker than what is around them (top hat and bottom hat), are joined along lines
    (Wu, Hsu and Chen 2008 find text in video by such morphology). What is as high, as long and as full as a line of
    text counts with its bounding box.

    Args:
        gray_HW: luma, uint8; looked at 240 rows high.

    Returns:
        0 for a scene without letters, about 0.3 to 0.8 for a page. Fences, grids and foliage may count a little.
    """
    gray = at_rows(gray_HW, ROWS)
    return max(_lines(gray, cv2.MORPH_TOPHAT), _lines(gray, cv2.MORPH_BLACKHAT))


def _lines(gray_HW: np.ndarray, hat: int) -> float:
    span = cv2.getStructuringElement(cv2.MORPH_RECT, (_STROKE_SPAN, _STROKE_SPAN))
    strokes = (cv2.morphologyEx(gray_HW, hat, span) >= _STROKE_CONTRAST).astype(np.uint8)
    joined = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (_GAP, 1)))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    ink = np.bincount(labels.ravel(), weights=strokes.ravel(), minlength=len(boxes))[1:]
    width, height = boxes[1:, cv2.CC_STAT_WIDTH], boxes[1:, cv2.CC_STAT_HEIGHT]
    area = width * height
    like_text = (height >= _LINE_HEIGHT[0]) & (height <= _LINE_HEIGHT[1]) & (width >= _LEAST_ASPECT * height)
    like_text &= (ink >= _INK[0] * area) & (ink <= _INK[1] * area)
    return float(area[like_text].sum()) / gray_HW.size
