"""The flow that prepares data in shards, alone: `python -m flows.prepare_dataset` with Prefect embedded."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import published
import pytest
import yaml
from publisher import SMALL_WINDOW
from studio import Studio

pytest.importorskip("prefect", reason='Prefect comes with pip install "reelops[orchestration]"')


def project(root: Path) -> dict[str, str]:
    """A project whose clips lie beside it; the environment in which commands are run there."""
    root.mkdir()
    blocks = {"dataset": {"sources": [{"kind": "folder", "path": "../mine"}]}, "metadata": SMALL_WINDOW}
    (root / "params.yaml").write_text(yaml.safe_dump(blocks))
    return {"REELOPS_PARAMS_FILE": str(root / "params.yaml")}


def tables(root: Path) -> dict[str, bytes]:
    folder = root / "data" / "metadata"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_give_the_same_tables_as_one_machine(bare_studio: Studio) -> None:
    studio = bare_studio
    for number in range(9):
        clip = published.draw_video(studio.folder / "mine" / f"clip{number}.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"Soft shapes drift past, number {number}.\n")
    (studio.folder / "mine" / "broken.mp4").write_bytes(b"this is not a video")
    (studio.folder / "mine" / "broken.txt").write_text("Nothing can be seen.\n")
    by_hand, by_flow = (project(studio.folder / name) for name in ("hand", "flow"))
    for environment in (by_hand, by_flow):
        assert studio.run("reelops.cli", "fetch", **environment).returncode == 0
    hand = studio.run("reelops.cli", "metadata", "--no-data-docs", **by_hand)
    assert hand.returncode == 0, hand.stderr
    flow = studio.run("flows.prepare_dataset", "--shards", "3", "--no-data-docs", **by_flow)
    assert flow.returncode == 0, flow.stderr
    assert tables(studio.folder / "flow") == tables(studio.folder / "hand")
    assert "0 clips looked at" in flow.stderr

    with sqlite3.connect(studio.folder / "home" / "prefect" / "prefect.db") as prefect:
        ((state, message),) = prefect.execute(
            "select state_name, message from flow_run join flow_run_state on flow_run.state_id = flow_run_state.id"
        ).fetchall()
        names = [name for (name,) in prefect.execute("select name from task_run")]
    assert state == "Completed" and "1 thrown out" in message
    assert sorted(name for name in names if name.startswith("look_at_shard")) == [
        "look_at_shard 1/3", "look_at_shard 2/3", "look_at_shard 3/3",
    ]  # fmt: skip
