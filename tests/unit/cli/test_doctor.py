"""`reelops doctor`: says what can run, exits accordingly, and survives whatever is broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata

import pytest
import typer
from small_model import PROMPT_LENGTH
from typer.testing import CliRunner

from reelops.cli.doctor import can_generate, examine, register
from reelops.cli.parameter_blocks import CHECKS, problems_in
from reelops.params import BLOCKS, IN_OWN_FILE, read_config
from reelops.settings import load_settings

PROFILE = "{{folder: {folder}, num_frames: 9, fps: 8, width: 48, height: 32, prompt_length: {length}}}"


@pytest.fixture
def project(small_model, tmp_path, monkeypatch):
    """A project whose tiny profile is the small model and whose 5B is in no cache."""
    shutil.copytree(small_model, tmp_path / "models")
    (tmp_path / "params.yaml").write_text(
        f"profiles:\n  tiny: {PROFILE.format(folder='models', length=PROMPT_LENGTH)}\n"
        "  big: {hub: nobody/nothing-here, num_frames: 49, fps: 8, width: 720, height: 480, "
        "architecture: cogvideox-5b-i2v}\n"
    )
    monkeypatch.setenv("REELOPS_PARAMS_FILE", str(tmp_path / "params.yaml"))
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "REELOPS_MLFLOW_TRACKING_URI", "REELOPS_PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["doctor", *arguments])


def finding(findings, group, name):
    return next(item for item in findings if (item.group, item.name) == (group, name))


def test_doctor_is_content_where_the_tiny_profile_can_run(project):
    result = run("--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0 and report["ready"] is True
    by_name = {item["name"]: item for item in report["findings"]}
    assert by_name["tiny"]["mark"] == "ok" and by_name["tiny"]["facts"]["base_revision"].startswith("sha256:")
    assert by_name["tiny"]["facts"]["plan"]["dtype"] in by_name["tiny"]["text"]
    assert by_name["big"]["mark"] in ("warn", "fail")
    assert by_name["torch"]["text"] == metadata.version("torch")
    assert by_name["processor"]["facts"]["ram_bytes"] > 0


def test_doctor_ends_with_one_when_the_tiny_profile_cannot_run_and_says_why(project):
    shutil.rmtree(project / "models")
    result = run()
    assert result.exit_code == 1
    assert "no such folder" in " ".join(result.stdout.split()) and "✗" in result.stdout


def test_params_that_cannot_be_read_are_a_finding(project):
    (project / "params.yaml").write_text("profiles: [")
    result = run("--json")
    assert result.exit_code == 1
    assert "not valid YAML" in finding(examine(load_settings()), "profiles", "tiny").text


def test_servers_are_asked_and_a_silent_one_does_not_hold_doctor_up(project, monkeypatch):
    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path.endswith("/health") else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{server.server_port}")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    try:
        findings = examine(load_settings())
    finally:
        server.shutdown()
        server.server_close()
    prefect = finding(findings, "servers", "prefect")
    assert (prefect.mark, "cannot be reached" in prefect.text) == ("warn", True)
    assert "secret" not in " ".join(item.text for item in findings)
    assert finding(findings, "servers", "mlflow").mark == "ok"
    assert can_generate(findings)


def test_doctor_looks_at_every_block_there_is(repository):
    assert set(CHECKS) == {*BLOCKS, *IN_OWN_FILE}
    assert problems_in(read_config(load_settings(params_file=repository / "params.yaml"))) == []


def test_the_params_of_a_project_of_ones_own_in_the_docs_are_all_that_it_needs(tmp_path, repository):
    text = (repository / "docs" / "datasets.md").read_text(encoding="utf-8")
    _, _, section = text.partition("\n## A project of your own\n")
    example = section.partition("```yaml\n")[2].partition("```")[0]
    assert "path: footage" in example
    (tmp_path / "params.yaml").write_text(example)
    assert problems_in(read_config(load_settings(params_file=tmp_path / "params.yaml"))) == []


def test_a_name_that_no_disk_takes_is_a_finding_too(project):
    (project / "params.yaml").write_text(f"train: {{name: a, profile: {'x' * 300}}}\n")
    (problem,) = problems_in(read_config(load_settings()))
    assert problem.endswith("cannot be looked for: File name too long.") and "\n" not in problem


def test_doctor_names_what_is_wrong_in_any_block_whoever_reads_it(project):
    (project / "params.yaml").write_text(
        "gate: {default: {wrong_camera_move: review}, tinny: {}}\n"
        "score: {temporal_engine: tvl1, temporal_rows: 160, temporal_scale: 120, weight: {}}\n"
        "train: {name: a, profile: tinny}\nlatents: {profile: tiny, sed: 1}\n"
        "profiles: {mine: {kind: camera_move}, moves: {kind: camera_moves, widht: 64}}\n"
    )
    (project / "pretrain.yaml").write_text("clip: 3\n")
    problems = " ".join(problems_in(read_config(load_settings())))
    for told in (
        "gate.tinny is no profile and no folder. Did you mean tiny?",
        "score.weight is {}: there is no such key. Did you mean weights?",
        "No profile and no folder 'tinny'. Did you mean tiny?",
        "latents.sed is 1: there is no such key. Did you mean seed?",
        "profiles.mine.kind is 'camera_move', and no generator is of that kind. Did you mean camera_moves?",
        "pretrain.yaml: clip is 3: there is no such key. Did you mean clips?",
    ):
        assert told in problems
    assert [item.mark for item in examine(load_settings()) if item.name == "parameters"] == ["fail"]


def test_doctor_outlives_a_missing_torch(project):
    """A fresh process in which torch cannot be imported."""
    program = """
import sys, json
sys.modules["torch"] = None
from reelops.cli.doctor import examine, can_generate
from reelops.settings import load_settings
findings = examine(load_settings())
print(json.dumps([can_generate(findings), [f.text for f in findings if f.mark == "fail"]]))
"""
    ready, failures = json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    )
    assert ready is False and any("torch cannot be loaded" in text for text in failures)


def test_asking_for_doctors_help_loads_nothing_heavy():
    program = "import sys, reelops.cli.doctor; print([m for m in ('torch', 'diffusers', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
