"""Prefect's server as the environment names it: one of this machine is found behind any proxy, a wrong one is told."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from studio import Studio, free_port

from flows.__main__ import FLOWS

ARGUMENTS = {
    "generate-video": ["harbour.png", "zoom in"],
    "score-clips": ["clips"],
    "prepare-dataset": [],
    "train-lora": [],
    "run-benchmark": [],
    "generate-batch": ["jobs.json", "clips"],
}


@pytest.fixture
def page_of_runs():
    """What answers any address with a page, as Prefect's does outside /api."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html></html>")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def refused(studio: Studio, flow: str, **environment: str) -> subprocess.CompletedProcess[str]:
    done = studio.run("flows", flow, *ARGUMENTS[flow], **environment)
    assert done.returncode in (1, 2), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stdout == "" and not list(studio.outputs.iterdir())
    return done


@pytest.mark.parametrize("flow", FLOWS)
def test_a_server_that_is_not_there_is_one_line_before_the_work(bare_studio: Studio, flow: str) -> None:
    done = refused(bare_studio, flow, PREFECT_API_URL=f"http://127.0.0.1:{free_port()}/api")
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr and "unset PREFECT_API_URL" in done.stderr


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:4200/api", "PREFECT_API_URL is '127.0.0.1:4200/api': "),
        ("foo://bar/api", "PREFECT_API_URL is 'foo://bar/api': "),
        ("http://", "PREFECT_API_URL is 'http://': "),
        ("http://127.0.0.1:port/api", "PREFECT_API_URL is 'http://127.0.0.1:port/api': "),
    ],
)
def test_what_is_no_address_is_one_line(bare_studio: Studio, address: str, told: str) -> None:
    done = refused(bare_studio, "score-clips", PREFECT_API_URL=address)
    assert told in done.stderr and done.returncode == 2


def test_the_address_of_the_page_is_told_from_that_of_the_api(bare_studio: Studio, page_of_runs: str) -> None:
    done = refused(bare_studio, "score-clips", PREFECT_API_URL=page_of_runs)
    assert f"is no Prefect API; it is most likely at {page_of_runs}/api." in done.stderr
    done = refused(bare_studio, "score-clips", PREFECT_API_URL=f"{page_of_runs}/api")
    assert "is no Prefect API: it does not answer" in done.stderr


def test_a_server_behind_a_socks_proxy_says_what_to_install(bare_studio: Studio) -> None:
    done = refused(
        bare_studio,
        "score-clips",
        PREFECT_API_URL="http://prefect.example/api",
        ALL_PROXY="socks5://127.0.0.1:9",
    )
    assert 'pip install "httpx[socks]"' in done.stderr and "ALL_PROXY is socks5://127.0.0.1:9" in done.stderr


def test_the_embedded_server_starts_behind_proxies_that_lead_nowhere(bare_studio: Studio, repository: Path) -> None:
    program = (
        "import os, tasks; os.makedirs(os.environ['PREFECT_HOME'], exist_ok=True)\n"
        "from prefect.client.orchestration import get_client\n"
        "with get_client(sync_client=True) as client: print(client.hello().json())"
    )
    dead = f"127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        capture_output=True,
        text=True,
        env={
            **bare_studio.environment,
            "HTTP_PROXY": f"http://{dead}",
            "all_proxy": f"socks5://{dead}",
            "NO_PROXY": "[::1]",
        },
    )
    assert done.returncode == 0, done.stderr
    assert "👋" in done.stdout
