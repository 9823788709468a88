"""Files of many encoders and containers are shown as a plain decoding loop shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.media_report import compare
from scripts.odd_media import ENCODERS, high_dynamic_range, not_one_picture_a_packet, packets_of, write

SOME = ("mpeg4", "mpeg2video", "libvpx-vp9", "mjpeg", "ffv1", "prores_ks", "wmv2", "gif")


@pytest.mark.parametrize("name", SOME)
def test_frames_are_those_of_a_plain_loop(tmp_path: Path, name: str) -> None:
    encoder = next(one for one in ENCODERS if one.name == name)
    packets = packets_of(encoder)
    made = list(write(tmp_path / f"clip.{encoder.endings.split()[0]}", encoder, "none", packets))
    row = compare(made[0], ffmpeg=None)
    assert (row["counts_agree"], row["times_agree"], row["mean_difference"] <= 4) == (True, True, True)


def test_pictures_that_are_not_one_a_packet_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    rows = [compare(made, ffmpeg=None) for made in not_one_picture_a_packet(tmp_path)]
    assert len(rows) == 13
    assert [row["file"] for row in rows if not row["counts_agree"] or row["mean_difference"] > 4] == []


def test_of_hdr_which_is_tone_mapped_count_and_times_agree(tmp_path: Path) -> None:
    rows = [compare(made, ffmpeg=None) for made in high_dynamic_range(tmp_path)]
    assert len(rows) == 8
    assert [row["file"] for row in rows if not (row["agrees"] and row["tone_mapped"])] == []
