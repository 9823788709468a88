"""The record that `make gpu` writes: whole after each check, and taken up again where it was stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

CHECKS = """
import pytest

def test_one(record_property):
    record_property("peak_gb", 1.5)

def test_two():
    assert not {broken}, "too much memory"

def test_three():
    pytest.skip("one GPU")
"""


def check(repository: Path, folder: Path, broken: bool, commit: str = "a") -> tuple[int, dict[str, dict[str, object]]]:
    """The exit code, and by test what the record says."""
    (folder / "test_checks.py").write_text(CHECKS.format(broken=broken))
    program = (
        f"import sys; sys.path.insert(0, {str(repository / 'scripts')!r})\n"
        "from pathlib import Path; from gpu_report import check\n"
        f"sys.exit(check(['test_checks.py'], Path('checks.json'), {{'commit': {commit!r}}}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120)
    record = json.loads((folder / "checks.json").read_text())
    assert record["commit"] == commit, done.stdout + done.stderr
    return done.returncode, {name.partition("::")[2]: told for name, told in record["checks"].items()}


def test_each_check_is_recorded_with_what_it_measured_and_only_what_did_not_pass_is_done_again(
    repository: Path, tmp_path: Path
) -> None:
    code, first = check(repository, tmp_path, broken=True)
    assert code == 1
    assert {name: told["outcome"] for name, told in first.items()} == {
        "test_one": "passed",
        "test_two": "failed",
        "test_three": "skipped",
    }
    assert first["test_one"]["peak_gb"] == 1.5
    record = json.loads((tmp_path / "checks.json").read_text())
    record["checks"]["test_checks.py::test_one"]["peak_gb"] = 99.0
    (tmp_path / "checks.json").write_text(json.dumps(record))
    code, again = check(repository, tmp_path, broken=False)
    assert (code, again["test_two"]["outcome"], again["test_one"]["peak_gb"]) == (0, "passed", 99.0)
    _, anew = check(repository, tmp_path, broken=False, commit="b")
    assert anew["test_one"]["peak_gb"] == 1.5


STEPS = """
import sys; sys.path.insert(0, {scripts!r})
from gpu_report import Step, run_steps
print(run_steps([Step(name, [sys.executable, "-c", code]) for name, code in {steps!r}], {{"before"}}, {seconds}))
"""


def test_steps_run_in_their_order_while_there_is_time_and_one_that_fails_stops_no_other(
    repository: Path, tmp_path: Path
) -> None:
    steps = [
        ("before", "raise SystemExit('never')"),
        ("wrong", "raise SystemExit(3)"),
        ("long", "import time; time.sleep(60)"),
        ("late", "open('late', 'w')"),
    ]
    program = STEPS.format(scripts=str(repository / "scripts"), steps=steps, seconds=21)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    late = "out of time; run it again"
    assert done.stdout.splitlines()[-1] == str(
        {"before": "done before", "wrong": "failed with 3", "long": late, "late": late}
    )
    assert not (tmp_path / "late").exists()


def test_the_folder_for_a_bare_machine_has_the_checkout_and_a_script_that_asks_no_network(
    repository: Path, tmp_path: Path
) -> None:
    if not (repository / ".git").exists():
        pytest.skip("a source archive has no commit to pack")
    command = [sys.executable, str(repository / "scripts/gpu_bundle.py"), "--no-wheels", str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "bundle/reelops.tar.gz") as packed:
        assert {"requirements.lock", "scripts/gpu_report.py", "params.yaml"} <= set(packed.getnames())
    script = (tmp_path / "bundle/install.sh").read_text()
    installs = [line for line in script.splitlines() if "pip install" in line]
    assert len(installs) == 2 and all("--no-index" in line for line in installs)
    assert subprocess.run(["bash", "-n", str(tmp_path / "bundle/install.sh")]).returncode == 0
