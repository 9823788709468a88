"""A wheel works in any folder: it carries model and defaults, keeps its stores with the user, and is one package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

NOT_OURS = ("REELOPS_", "MLFLOW_", "PREFECT_", "PYTHONPATH", "XDG_")


@dataclass(frozen=True)
class Installed:
    """ReelOps in an environment of its own, and somebody's empty home and working folder."""

    environment: Path
    user: Path
    work: Path

    @property
    def site_packages(self) -> Path:
        (folder,) = self.environment.glob("lib/python3*/site-packages")
        return folder

    @property
    def stores(self) -> Path:
        (folder,) = self.user.rglob("reelops")
        return folder

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        own = {"HOME": str(self.user), "OMP_NUM_THREADS": "1"}
        program = str(self.environment / "bin" / command[0])
        return subprocess.run(
            [program, *command[1:]], cwd=self.work, env={**kept, **own}, capture_output=True, text=True, check=False
        )

    def files(self) -> dict[Path, int]:
        """Every file with its time of change, but for compiled code, which Python and numba put beside their source."""
        found = (path for path in self.site_packages.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    """Built from what git versions, away from the checkout: setuptools leaves its build folder there."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(("tests/", "docs/", "reports/")) and (repository / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / name, source / name)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(target), str(source))
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    """In a new environment that has the other packages of this one, but not this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    here = Installed(folder / "environment", folder / "user", folder / "work")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(here.environment)], check=True)
    packages = [path for path in sys.path if path.endswith("site-packages")]
    (here.site_packages / "packages.pth").write_text("\n".join(packages) + "\n")
    pip("--python", str(here.environment / "bin" / "python"), "install", str(wheel))
    here.user.mkdir()
    here.work.mkdir()
    return here


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", *arguments, "--no-deps"]
    subprocess.run(command, check=True, capture_output=True, text=True)


def test_the_wheel_installs_one_name_and_carries_what_an_order_needs(wheel):
    names = ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"reelops"}
    shipped = {name.removeprefix("reelops/shipped/") for name in names if name.startswith("reelops/shipped/")}
    assert {"params.yaml", "models/tiny-i2v/model_index.json", "data/samples/coffee.jpg"} <= shipped
    assert sum(name.endswith(".safetensors") for name in shipped) == 3


def test_outside_a_checkout_a_clip_is_made_and_scored_and_nothing_lands_in_the_package(installed):
    before = installed.files()
    sample = installed.site_packages / "reelops" / "shipped" / "data" / "samples" / "coffee.jpg"
    order = (str(sample), "slow zoom in", "--output", "clip.mp4", "--size", "160p")
    made = installed.run("reelops", "generate", *order, "--json")
    assert made.returncode == 0, made.stderr
    take = json.loads(made.stdout)
    assert take["tracking"]["run_id"] and take["facts"]["base_revision"].startswith("sha256:")
    scored = installed.run("reelops", "score", "clip.mp4", "--json")
    assert scored.returncode == 0, scored.stderr
    assert {path.name for path in installed.work.iterdir()} == {"clip.mp4", "clip.json", "clip.contact.jpg"}
    assert (installed.stores / "mlflow.db").is_file()
    assert installed.files() == before


def test_doctor_names_the_places_of_an_installed_reelops(installed):
    report = json.loads(installed.run("reelops", "doctor", "--json").stdout)
    found = {item["name"]: item["text"] for item in report["findings"] if item["group"] == "places"}
    package = installed.site_packages / "reelops"
    assert found["code"].startswith(f"installed in {package}")
    assert found["parameters"] == str(package / "shipped" / "params.yaml")
    assert found["project"].startswith(str(installed.work))
    assert found["stores"].startswith(str(installed.user))
    assert report["ready"]


def test_a_params_file_of_ones_own_adds_a_profile_to_the_shipped_ones(installed):
    fast = "{folder: models/tiny-i2v, num_frames: 49, fps: 16, width: 240, height: 160, steps: 1, guidance: 1.0}"
    (installed.work / "params.yaml").write_text(f"profiles:\n  mine: {fast}\n")
    try:
        report = json.loads(installed.run("reelops", "doctor", "--json").stdout)
    finally:
        (installed.work / "params.yaml").unlink()
    marks = {item["name"]: item["mark"] for item in report["findings"] if item["group"] == "profiles"}
    assert marks["mine"] == marks["tiny"] == "ok"


def test_a_clone_named_reelops_beside_ones_script_does_not_shadow_the_package(installed):
    (installed.work / "reelops" / "src" / "reelops").mkdir(parents=True)
    script = installed.work / "script.py"
    script.write_text("import reelops, reelops.settings\nprint(reelops.__file__)\n")
    try:
        done = installed.run("python", "script.py")
    finally:
        shutil.rmtree(installed.work / "reelops")
        script.unlink()
    assert done.stdout.strip() == str(installed.site_packages / "reelops" / "__init__.py"), done.stderr
