"""A clone of this checkout with an environment of its own, for which nothing is installed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from scripts.git_files import files_of, git

NOT_A_READERS = ("REELOPS_", "MLFLOW_", "PREFECT_", "PYTHON", "XDG_", "VIRTUAL_ENV", "DVC_", "MAKE", "VENV", "GIT_")
_CHANGED = ("--modified", "--others", "--exclude-standard", "--deduplicate")


@dataclass(frozen=True)
class Answer:
    """What a command said, both streams as they came, and its exit code."""

    exit_code: int
    output: str


class FreshClone:
    """A checkout as a new user has it once `make setup` is through; commands run in it like lines in one shell.

    Args:
        repository: the checkout to clone: its last commit, and what has changed since.
        folder: an empty folder; `reelops` in it becomes the clone, `user` the reader's home.
    """

    def __init__(self, repository: Path, folder: Path) -> None:
        self.folder = folder / "reelops"
        self.home = folder / "user"
        self.home.mkdir(parents=True)
        git(folder, "clone", "--quiet", str(repository), str(self.folder))
        git(self.folder, "checkout", "--quiet", "-B", "main")
        for name in files_of(repository, *_CHANGED):
            _mirror(repository / name, self.folder / name)
        self._state = folder / "shell"
        self._kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_READERS)}
        self._kept |= {"HOME": str(self.home), "OMP_NUM_THREADS": "1", "COLUMNS": "120", "DO_NOT_TRACK": "1"}
        # Programs of the environment that this runs in belong to the checkout that it came from.
        ours = str(Path(sys.executable).parent)
        self._kept["PATH"] = os.pathsep.join(part for part in self._kept["PATH"].split(os.pathsep) if part != ours)
        self._make_environment()

    def run(self, command: str, timeout: float = 1800) -> Answer:
        """Runs a line in the clone; variables that it exports, and what it sources, stay for the next one."""
        before = f"source {self._state}; " if self._state.exists() else ""
        script = f"{before}{command}\ncode=$?; export -p > {self._state}; exit $code"
        try:
            done = subprocess.run(
                ["bash", "-c", script],  # noqa: S607 - whichever shell the reader has
                cwd=self.folder,
                env=self._kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Answer(124, f"did not end within {timeout:g} s")
        return Answer(done.returncode, done.stdout)

    def _make_environment(self) -> None:
        """What `make setup` would install, from where it is installed already, and the clone's own code before it."""
        environment = self.folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
        (packages,) = environment.glob("lib/python3*/site-packages")
        installed = [path for path in sys.path if path.endswith("site-packages")]
        (packages / "installed.pth").write_text("\n".join([str(self.folder / "src"), *installed]) + "\n")
        for point in metadata.entry_points(group="console_scripts"):
            name = point.name
            if name.startswith(("pip", "python")):
                continue
            program = environment / "bin" / name
            program.write_text(
                # Scripts that start processes are imported by these.
                f"#!{environment}/bin/python\nimport sys\nfrom {point.module} import {point.attr.split('.')[0]}\n"
                f'if __name__ == "__main__":\n    sys.exit({point.attr}())\n'
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        checksums = subprocess.run(
            ["cksum", "requirements.lock", "pyproject.toml"],  # noqa: S607 - as `make setup` asks it
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        (environment / "ready").write_text(f"{self.folder}\n{checksums.stdout}")


def _mirror(source: Path, target: Path) -> None:
    if not source.exists():
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
