"""`reelops fetch` as a person sees it."""

from __future__ import annotations

from pathlib import Path

import published
import pytest
import yaml

from reelops.cli import build_app, run_guarded


def fetch(root: Path, monkeypatch: pytest.MonkeyPatch, block: dict, *options: str) -> int:
    (root / "params.yaml").write_text(yaml.safe_dump({"dataset": block}))
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(root / "params.yaml"))
    app = build_app()
    return run_guarded(lambda: app(["fetch", *options], standalone_mode=False))


@pytest.fixture
def mine(tmp_path: Path) -> dict:
    """Two videos with captions, and three clips of MSR-VTT of which one is here."""
    for name in ("a", "b"):
        published.draw_video(tmp_path / "mine" / f"{name}.mp4").with_suffix(".txt").write_text("Words.")
    published.write_json(tmp_path / "MSRVTT_data.json", published.msr_vtt([(f"video{n}", "words") for n in range(3)]))
    published.draw_video(tmp_path / "msr" / "video1.mp4")
    return {
        "sources": [
            {"kind": "folder", "path": "mine"},
            {"kind": "msr_vtt", "annotations": ["MSRVTT_data.json"], "videos": ["msr"]},
        ]
    }


def test_a_summary_tells_what_came_and_what_was_lost(tmp_path: Path, monkeypatch, capsys, mine: dict) -> None:
    assert fetch(tmp_path, monkeypatch, mine) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines() if line.split()[:1] in (["folder"], ["msr_vtt"])]
    assert [row[:5] for row in rows] == [["folder", "2", "2", "0", "0"], ["msr_vtt", "3", "1", "0", "2"]]
    assert "Lost: msr_vtt, 2 clips: not in the folder msr" in err
    assert str(tmp_path / "data/raw/msr_vtt/lost.jsonl") in err


def test_one_source_alone_leaves_the_figures_of_all_as_they_were(
    tmp_path: Path, monkeypatch, capsys, mine: dict
) -> None:
    fetch(tmp_path, monkeypatch, mine)
    before = (tmp_path / "reports/fetch/metrics.json").read_bytes()
    assert fetch(tmp_path, monkeypatch, mine, "folder") == 0
    assert (tmp_path / "reports/fetch/metrics.json").read_bytes() == before


def test_a_source_that_gives_nothing_is_exit_code_1(tmp_path: Path, monkeypatch, capsys, mine: dict) -> None:
    (tmp_path / "msr" / "video1.mp4").unlink()
    assert fetch(tmp_path, monkeypatch, mine) == 1


def test_check_says_where_videos_would_come_from(tmp_path: Path, monkeypatch, capsys, mine: dict) -> None:
    assert fetch(tmp_path, monkeypatch, mine, "--check") == 0
    out, _ = capsys.readouterr()
    assert "msr_vtt: 3 clips listed, 3 wanted, 0 here, 3 to fetch." in out
    assert "1. the folder msr" in out
    assert not (tmp_path / "data/raw/msr_vtt/entries.jsonl").exists()


def test_an_unknown_source_is_one_line_and_exit_code_2(tmp_path: Path, monkeypatch, capsys, mine: dict) -> None:
    assert fetch(tmp_path, monkeypatch, mine, "msrvtt") == 2
    assert capsys.readouterr().err == "reelops: params.yaml has no source 'msrvtt'; it has folder, msr_vtt.\n"
