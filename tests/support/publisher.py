"""A server with MSR-VTT and VATEX in their published forms, and a project that names it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import published
import pytest
import yaml
from file_server import FileServer, serving
from studio import START_SECONDS, end

MSR_CLIPS, VATEX_CLIPS = 6, 3
QUICK = {"rounds": 3, "backoff_seconds": 0.01, "requests_per_second": 1000, "keep_free_gb": 0}


# One second, so that small clips do.
SMALL_WINDOW = {
    "window": {"frames": 9, "fps": 8, "search_seconds": 4},
    # In pictures so small the flow explains less of a fast motion.
    "limits": {
        "min_side": 32,
        "cut_threshold": 0.5,
        "max_still_share": 0.9,
        "max_text_share": 1.0,
        "max_duplicate_bits": None,
    },
    "max_quarantined_share": 0.9,
}


@dataclass
class Publisher:
    """A server with both data sets, a project that names it in params.yaml, and how `reelops fetch` is run there."""

    server: FileServer
    root: Path
    names: list[str]
    params: dict[str, Any] = field(default_factory=dict)
    metadata_params: dict[str, Any] = field(default_factory=lambda: dict(SMALL_WINDOW))

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "reelops.cli", "fetch", "--json"]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELOPS_", "HF_"))}
        return {**kept, "REELOPS_PARAMS_FILE": str(self.root / "params.yaml"), "HF_ENDPOINT": self.server.url}

    def write_params(self) -> None:
        (self.root / "params.yaml").write_text(
            yaml.safe_dump({"dataset": self.params, "metadata": self.metadata_params})
        )

    def fetch(self, *options: str) -> dict[str, dict[str, Any]]:
        """Reports by source."""
        self.write_params()
        done = subprocess.run(
            [*self.command, *options], env=self.environment, capture_output=True, text=True, timeout=START_SECONDS
        )
        assert done.returncode in (0, 1, 2) and done.stdout, done.stderr
        return {report["source"]: report for report in json.loads(done.stdout)}

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[str]]:
        """`reelops fetch`, under way; ended when the block is."""
        self.write_params()
        process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)

    def metadata(self) -> subprocess.CompletedProcess[str]:
        """`reelops metadata` on what was fetched."""
        self.write_params()
        command = [sys.executable, "-m", "reelops.cli", "metadata", "--json", "--no-data-docs"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=START_SECONDS)

    def clips(self) -> dict[str, bytes]:
        """All that `reelops metadata` left."""
        folder = self.root / "data" / "metadata"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def tables(self) -> dict[str, str]:
        """All that fetching left, but for the videos' bytes, which are given by their digests."""
        raw = self.root / "data" / "raw"
        content = {str(path.relative_to(raw)): path.read_bytes() for path in raw.rglob("*") if path.is_file()}
        return {
            name: hashlib.sha256(data).hexdigest() if name.endswith(".mp4") else data.decode()
            for name, data in sorted(content.items())
        }

    def half_done(self) -> list[int]:
        """Sizes of the files that are still coming in."""
        sizes = []
        for path in (self.root / ".cache").rglob("*.partial"):
            with suppress(FileNotFoundError):  # it has just arrived
                sizes.append(path.stat().st_size)
        return sizes


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    sentences = published.sentences(MSR_CLIPS)
    clips = [clip_id for clip_id, _ in sentences]
    rows = published.vatex(VATEX_CLIPS)
    videos = published.videos(MSR_CLIPS + VATEX_CLIPS)
    files = {
        "/msr/train_val_videodatainfo.json": json.dumps(published.msr_vtt(sentences)).encode(),
        "/vatex/vatex_training_v1.0.json": json.dumps(rows).encode(),
        **{f"/msr/{clip}.mp4": video for clip, video in zip(clips, videos, strict=False)},
        **{f"/vatex/{row['videoID']}.mp4": video for row, video in zip(rows, videos[MSR_CLIPS:], strict=True)},
    }
    files |= {f"/mirror{path}": content for path, content in files.items() if path.endswith(".mp4")}
    sums = [f"{hashlib.sha256(files[f'/msr/{clip}.mp4']).hexdigest()}  {clip}.mp4\n" for clip in clips]
    (tmp_path / "SHA256SUMS").write_text("".join(sums))
    with serving(files) as server:
        one = Publisher(server, tmp_path, clips)
        one.params = {
            "sources": [
                {
                    "kind": "msr_vtt",
                    "annotations": [f"{server.url}/msr/train_val_videodatainfo.json"],
                    "videos": [{"url": [f"{server.url}/msr/{{clip}}.mp4", f"{server.url}/mirror/msr/{{clip}}.mp4"]}],
                    "checksums": "SHA256SUMS",
                },
                {
                    "kind": "vatex",
                    "annotations": [f"{server.url}/vatex/vatex_training_v1.0.json"],
                    "videos": [f"{server.url}/vatex/{{clip}}.mp4"],
                },
            ],
            "download": dict(QUICK),
        }
        yield one
