"""The page that people vote on, in a real browser: both clips play, keys answer, and the next pair comes."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from chromium import browser
from footage import filmed, write_clip

from reelops.scoring.voting.server import Answer, VotingServer


def test_both_clips_play_and_keys_answer_until_the_last_pair(tmp_path: Path) -> None:
    films = [filmed(num_frames=16, seed=seed) for seed in range(3)]
    films[1] = np.ascontiguousarray(films[1].transpose(0, 2, 1, 3))  # an upright one
    clips = [write_clip(tmp_path / f"clip-{seed}.mp4", frames).path for seed, frames in enumerate(films)]
    pairs = [(clips[0], clips[1]), (clips[2], clips[0])]
    said: list[tuple[tuple[Path, Path], Answer]] = []
    server = VotingServer(iter(pairs), len(pairs), lambda pair, answer: said.append((pair, answer)))
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        with browser() as page:
            for width in (1400, 400):
                page.open(server.address, width=width)
                page.wait_for("document.getElementById('place').textContent === 'Pair 1 of 2'")
                assert page.run("document.documentElement.scrollWidth") <= width
                page.wait_for("document.getElementById('right').videoHeight > 0")
                for seen in ("left", "right", "answers"):
                    assert page.run(f"document.getElementById('{seen}').getBoundingClientRect().bottom <= innerHeight")
            for side in ("left", "right"):
                page.wait_for(f"document.getElementById('{side}').currentTime > 0.1")
            page.press("l")
            page.press("ArrowRight")
            page.wait_for("document.getElementById('place').textContent === 'Pair 2 of 2'")
            assert page.run("document.getElementById('right-usable').checked") is False
            page.run("document.querySelector('[data-better=same]').click()")
            page.wait_for("document.getElementById('message').textContent.includes('last one')")
            assert page.complaints == []
    finally:
        server.close()
        thread.join(10)
    assert said == [(pairs[0], Answer("right", False, True)), (pairs[1], Answer("same", False, False))]
