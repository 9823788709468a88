"""Files of many encoders and containers are shown as a plain decoding loop shows them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOME = ("mpeg4", "mpeg2video", "libvpx-vp9", "mjpeg", "ffv1", "prores_ks", "wmv2", "gif")


@pytest.mark.parametrize("name", SOME)
def test_frames_are_those_of_a_plain_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import media_report
    import odd_media

    encoder = next(one for one in odd_media.ENCODERS if one.name == name)
    packets = odd_media.packets_of(encoder)
    made = list(odd_media.write(tmp_path / f"clip.{encoder.endings.split()[0]}", encoder, "none", packets))
    row = media_report.compare(made[0], ffmpeg=None)
    assert (row["counts_agree"], row["times_agree"], row["mean_difference"] <= 4) == (True, True, True)
    for module in ("media_report", "odd_media"):
        sys.modules.pop(module)
