"""A service as a user starts it, in a home of its own with a fast profile, and what asks it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import yaml
from footage import textured
from PIL import Image
from servers import wait_until_healthy
from studio import START_SECONDS, end, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


def params_of(folder: Path, **limits: Any) -> Path:
    """A params.yaml with one profile that makes a clip in a fraction of a second, and no limit in its gate."""
    blocks = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    content = {
        "profiles": {
            "moves": {"kind": "camera_moves", "num_frames": 5, "width": 64, "height": 48},
            "long": {"kind": "camera_moves", "num_frames": 5000, "width": 320, "height": 240},
        },
        "score": blocks["score"],
        "gate": {"default": {"wrong_camera_move": "review", "metrics": {}}},
        "service": {**blocks["service"], **limits},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(content))
    return folder / "params.yaml"


def picture(seed: int = 0, side: tuple[int, int] = (160, 120), kind: str = "PNG", contrast: float = 1.0) -> bytes:
    """A picture file that a clip can begin with, with that share of its contrast."""
    image = np.roll(textured(*side), seed, axis=1)
    made = io.BytesIO()
    Image.fromarray((128 + contrast * (image.astype(np.float64) - 128)).astype(np.uint8)).save(made, kind)
    return made.getvalue()


@dataclass(frozen=True)
class Service:
    """A service that answers at `url`; `token` is that of its own machine."""

    url: str
    home: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[str]

    @property
    def token(self) -> str:
        return (self.home / "service" / "session-token").read_text().strip()

    def client(self, secret: str | None = None, **options: Any) -> httpx.Client:
        """A client with a key, by default that of the machine."""
        headers = {"Authorization": f"Bearer {self.token if secret is None else secret}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, **options)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of `reelops` beside the service."""
        return subprocess.run(
            [sys.executable, "-m", "reelops.cli", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )

    def new_key(self, account: str, *options: str) -> str:
        """The secret of a new key."""
        made = self.run("keys", "create", account, "--json", *options)
        assert made.returncode == 0, made.stderr
        secret: str = json.loads(made.stdout)["secret"]
        return secret


def environment_of(folder: Path, ledger_uri: str | None = None, **limits: Any) -> dict[str, str]:
    """What a command needs to work in a home of its own."""
    foreign = ("PREFECT_", "MLFLOW_", "REELOPS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {"REELOPS_HOME": str(folder / "home"), "REELOPS_PARAMS_FILE": str(params_of(folder, **limits))}
    own |= {} if ledger_uri is None else {"REELOPS_LEDGER_URI": ledger_uri}
    return {**kept, **own, "OMP_NUM_THREADS": "1"}


def start(folder: Path, environment: Mapping[str, str], *options: str, port: int = 0) -> Service:
    """A service that is up."""
    port = port or free_port()
    log = folder / f"serve-{port}.log"
    with log.open("a") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "reelops.cli", "serve", "--port", str(port), "--no-track", "-j", "1", *options],
            env=dict(environment),
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    service = Service(f"http://127.0.0.1:{port}", folder / "home", environment, process)
    wait_until_healthy(f"{service.url}/health", process, log)
    return service


@contextmanager
def serving(folder: Path, *options: str, ledger_uri: str | None = None, **limits: Any) -> Iterator[Service]:
    """Within it a service runs."""
    service = start(folder, environment_of(folder, ledger_uri, **limits), *options)
    try:
        yield service
    finally:
        stop(service)


def stop(service: Service) -> int:
    """Ends a service as Ctrl-C does; its exit code."""
    if service.process.poll() is None:
        service.process.send_signal(signal.SIGINT)
    try:
        return service.process.wait(START_SECONDS)
    finally:
        end(service.process)


def submit(client: httpx.Client, wait: int | None = None, **fields: Any) -> httpx.Response:
    """Asks for a clip."""
    image = fields.pop("image", None) or ("photo.png", picture(), "image/png")
    headers = fields.pop("headers", {}) | ({} if wait is None else {"Prefer": f"wait={wait}"})
    data = {"prompt": "pan left", "profile": "moves", **fields}
    return client.post("/generate-video", files={"image": image}, data=data, headers=headers)
