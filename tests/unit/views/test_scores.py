"""What the terminal shows of a clip that is held back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from footage import filmed, write_clip

from reelops.metrics.place import Place
from reelops.params import load_config
from reelops.scoring.batch import ScoringOrder, score_clips
from reelops.scoring.scored_clip import ScoredClip
from reelops.views.scores import show_one


@pytest.fixture
def held_back(repository: Path, tmp_path: Path) -> ScoredClip:
    clip = write_clip(tmp_path / "clip.mp4", filmed()).path
    config = load_config(params_file=repository / "params.yaml", home=tmp_path / "home")
    (found,) = score_clips([clip], ScoringOrder.of(config), workers=1)
    assert found.verdict is not None and found.verdict.reasons
    place = Place(4, (0.0, 0.5, 0.25, 1.0), ((0.0, 0.0), (1.0, 0.3)))
    reasons = tuple(replace(reason, place=place) for reason in found.verdict.reasons[:1])
    return replace(found, verdict=replace(found.verdict, reasons=reasons))


def test_who_asks_is_shown_where_a_reason_is_seen(held_back: ScoredClip, capsys: pytest.CaptureFixture[str]) -> None:
    show_one(held_back)
    assert "frame 4" not in capsys.readouterr().out
    show_one(held_back, explain=True)
    shown = capsys.readouterr().out
    assert "frame 4, 0.50 s" in shown
    assert "from 0 to 25% of the width, from 50 to 100% of the height" in shown
    assert "    ····\n    ██░░\n" in shown
