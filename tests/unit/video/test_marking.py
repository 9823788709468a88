"""A part of a frame is marked, and nothing else of it changes."""

from __future__ import annotations

import numpy as np

from reelops.video.contact_sheet import Mark, contact_sheet
from reelops.video.marking import marked

GREY = np.full((80, 120, 3), 100, np.uint8)


def test_a_box_is_drawn_at_its_place() -> None:
    shown = marked(GREY, (0.5, 0.25, 1.0, 0.75))
    rows, columns = np.nonzero((shown != GREY).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 59, 60, 119)
    assert (shown[30, 80] == GREY[30, 80]).all() and (marked(GREY, None) == GREY).all()


def test_heat_warms_what_counts_most() -> None:
    shown = marked(GREY, None, [[0.0, 0.0], [0.0, 1.0]]).astype(int)
    red_over_blue = shown[..., 0] - shown[..., 2]
    assert red_over_blue[-1, -1] > 50 and red_over_blue[0, 0] == 0
    assert (GREY == 100).all(), "the frame itself stays as it is"


def test_a_contact_sheet_shows_the_marked_frame_in_place_of_the_nearest() -> None:
    frames = np.stack([np.full((80, 120, 3), 4 * number, np.uint8) for number in range(49)])
    plain = np.asarray(contact_sheet(frames, count=4, columns=4, cell_width=120)).astype(int)
    sheet = np.asarray(contact_sheet(frames, count=4, columns=4, cell_width=120, mark=Mark(20, (0, 0, 1, 1)))).astype(
        int
    )
    assert sheet.shape == plain.shape

    def middle(of: np.ndarray, column: int) -> int:
        return int(of[60, 20 + column * 132 + 60, 0])

    assert [middle(plain, column) for column in range(4)] == [0, 64, 128, 192]
    assert [middle(sheet, column) for column in range(4)] == [0, 80, 128, 192]
