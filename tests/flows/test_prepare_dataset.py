"""The flow that prepares data in shards: `python -m flows prepare-dataset`, seen in a real Prefect server."""

from __future__ import annotations

from pathlib import Path

import published
import yaml
from publisher import SMALL_WINDOW
from studio import Server, Studio

FLOW_FOLDER = "caf\udce9"  # a name that is no Unicode, as in Latin-1


def project(root: Path) -> dict[str, str]:
    """A project whose clips lie beside it; the environment in which commands are run there."""
    root.mkdir()
    blocks = {"dataset": {"sources": [{"kind": "folder", "path": "../mine"}]}, "metadata": SMALL_WINDOW}
    (root / "params.yaml").write_text(yaml.safe_dump(blocks))
    return {"REELOPS_PARAMS_FILE": str(root / "params.yaml")}


def tables(root: Path) -> dict[str, bytes]:
    folder = root / "data" / "metadata"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_give_the_same_tables_as_one_machine(bare_studio: Studio, servers: dict[str, Server]) -> None:
    studio = bare_studio
    for number in range(9):
        clip = published.draw_video(studio.folder / "mine" / f"clip{number}.mp4", seed=number)
        clip.with_suffix(".txt").write_text(f"Soft shapes drift past, number {number}.\n")
    (studio.folder / "mine" / "broken.mp4").write_bytes(b"this is not a video")
    (studio.folder / "mine" / "broken.txt").write_text("Nothing can be seen.\n")
    by_hand, by_flow = (project(studio.folder / name) for name in ("hand", FLOW_FOLDER))
    for environment in (by_hand, by_flow):
        assert studio.run("reelops.cli", "fetch", **environment).returncode == 0
    hand = studio.run("reelops.cli", "metadata", "--no-data-docs", **by_hand)
    assert hand.returncode == 0, hand.stderr
    prefect = servers["prefect"]
    api = {"PREFECT_API_URL": f"{prefect.url}/api"}
    flow = studio.run("flows", "prepare-dataset", "--shards", "3", "--no-data-docs", **by_flow, **api)
    assert flow.returncode == 0, flow.stderr
    assert tables(studio.folder / FLOW_FOLDER) == tables(studio.folder / "hand")
    assert "0 clips looked at" in flow.stderr

    (run,) = [run for run in prefect.flow_runs("prepare-dataset") if run["parameters"]["shards"] == 3]
    assert run["state"]["name"] == "Completed" and "1 quarantined" in run["state"]["message"]
    assert sorted(name for name in prefect.task_runs(run["id"]) if name.startswith("look_at_shard")) == [
        "look_at_shard 1/3", "look_at_shard 2/3", "look_at_shard 3/3",
    ]  # fmt: skip
