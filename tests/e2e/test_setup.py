"""scripts/setup.sh on a small project: which PyTorch comes, and that nobody gets the large one without a word."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

BACKEND = """
import zipfile
from pathlib import Path

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        wheel.writestr("toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n")
        wheel.writestr("toy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("toy-1.0.dist-info/RECORD", "")
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None,
    reason="what is told where there is no NVIDIA GPU",
)


@dataclass(frozen=True)
class Project:
    """A folder with the script and a lock that names torch alone."""

    folder: Path

    @property
    def index(self) -> Path:
        """Where pip looks, and nowhere else."""
        return self.folder / "index"

    def set_up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        # VENV is what `make python-report VENV=...` says of the checkout whose tests these are.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_") and name != "VENV"}
        own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.index)}
        return subprocess.run(
            ["bash", "scripts/setup.sh"],
            cwd=self.folder,
            env={**kept, **own, "PYTHON": sys.executable, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def torch(self) -> str:
        """The version that was installed."""
        (installed,) = self.folder.glob(".venv/lib/python3*/site-packages/torch-*.dist-info")
        return installed.name.removeprefix("torch-").removesuffix(".dist-info")


@pytest.fixture
def project(repository, tmp_path) -> Project:
    (tmp_path / "scripts").mkdir()
    shutil.copy(repository / "scripts" / "setup.sh", tmp_path / "scripts")
    (tmp_path / "backend.py").write_text(BACKEND)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements.lock").write_text("torch==1.0\n")
    made = Project(tmp_path)
    made.index.mkdir()
    write_torch(made.index, "1.0")
    return made


def write_torch(folder: Path, version: str) -> None:
    """A package of that name with nothing in it."""
    info = f"torch-{version}.dist-info"
    with zipfile.ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_the_build_for_gpus_does_not_come_without_its_size_and_the_way_out(project):
    done = project.set_up()
    assert done.returncode == 0, done.stderr
    assert "no NVIDIA GPU" in done.stderr and " GB more to download" in done.stderr
    assert "TORCH_INDEX_URL=... make setup" in done.stderr
    assert project.torch() == "1.0"


def test_the_build_for_processors_is_taken_where_pip_finds_one_and_set_up_once(project):
    write_torch(project.index, "1.0+cpu")
    done = project.set_up()
    assert (done.returncode, done.stderr) == (0, "")
    assert project.torch() == "1.0+cpu"
    again = project.set_up()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_torch_comes_from_the_index_that_is_named(project):
    other = project.folder / "other" / "torch"
    other.mkdir(parents=True)
    write_torch(other, "1.0+rocm")
    (other / "index.html").write_text('<a href="torch-1.0%2Brocm-py3-none-any.whl">torch-1.0+rocm-py3-none-any.whl</a>')
    done = project.set_up(TORCH_INDEX_URL=other.parent.as_uri(), PIP_NO_INDEX="0")
    assert done.returncode == 0, done.stderr
    assert project.torch() == "1.0+rocm" and "NVIDIA" not in done.stderr
