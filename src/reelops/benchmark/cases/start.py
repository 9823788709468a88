"""`reelops benchmark start`: how long a person waits for a command, and what of it is not the command's own work."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from reelops.benchmark.case import Bench, Case, Part
from reelops.benchmark.own_process import CommandResult, run_command
from reelops.benchmark.report import Figures
from reelops.benchmark.table import Table
from reelops.benchmark.target import Target, at_most
from reelops.errors import DONE, REJECTED, SettingsError
from reelops.progress import RunContext
from reelops.system.hardware import cores
from reelops.video.decode import read_frames

PICTURE = Path("data/samples/coffee.jpg")
PROMPT = "zoom in"
_BARE = "generate, bare"
_SPIN = "while True: pass"
# What this process told its own threads, and the user's own tracking store, which is no place for measured runs.
_NOT_FOR_COMMANDS = ("OMP_WAIT_POLICY", "MLFLOW_TRACKING_URI", "REELOPS_MLFLOW_TRACKING_URI")


@dataclass(frozen=True)
class Way:
    """An installation whose commands are measured.

    Attributes:
        python: its interpreter, which imports its reelops.
        folder: its checkout.
        home: where its stores are.
        environment: variables that make it what it is.
    """

    name: str
    python: str
    folder: Path
    home: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> CommandResult:
        """A reelops command to its end; a rejected clip is a clip, too."""
        own = {
            "REELOPS_HOME": str(self.home),
            "REELOPS_PARAMS_FILE": str(self.folder / "params.yaml"),
            "PYTHONPATH": str(self._package_folder),
        }
        without = [word for name in _NOT_FOR_COMMANDS for word in ("-u", name)]
        command = ["env", *without, self.python, "-m", "reelops.cli", *arguments]
        return run_command(command, {**self.environment, **own}, good_codes=(DONE, REJECTED))

    @property
    def clip(self) -> Path:
        """What it generates last, as people get it."""
        return self.home / "clip.mp4"

    @property
    def bare_clip(self) -> Path:
        """The same as the model makes it."""
        return self.home / "bare.mp4"

    @property
    def _package_folder(self) -> Path:
        return self.folder / "src" if (self.folder / "src/reelops").is_dir() else self.folder

    def generate(self, *options: str, clip: Path | None = None) -> CommandResult:
        picture, output = str(self.folder / PICTURE), str(clip or self.clip)
        return self.run("generate", picture, PROMPT, "--output", output, "--force", "--json", *options)

    def generate_bare(self) -> CommandResult | None:
        """None where the installation makes no other clips."""
        if "--detail" not in self.run("generate", "--help").output:
            return None
        told = json.loads(self.clip.with_suffix(".json").read_text())["facts"]
        size = ("--width", str(told["generated_width"]), "--height", str(told["generated_height"]))
        return self.generate(*size, clip=self.bare_clip)


def commands_of(way: Way) -> Mapping[str, Sequence[str]]:
    """What is typed most, by what tables call it."""
    return {
        "--help": ["--help"],
        "generate --help": ["generate", "--help"],
        "score CLIP": ["score", str(way.clip), "--fresh"],
    }


def measure_commands(bench: Bench, context: RunContext, before: Path | None = None, rounds: int = 3) -> Figures:
    """Every command by every way in turn, after one generation each that is not counted: it makes the stores and brings
    files into memory."""
    ways = _ways(bench, before)
    total = len(ways) * (1 + rounds * 6)
    done, runs = 0, list[dict[str, Any]]()
    for round_number in range(rounds + 1):
        for way in ways:
            context.progress("commands", done, total, "runs", f"{way.name}, round {round_number}")
            context.raise_if_stopped()
            if round_number:
                runs += [_run_of(way, name, way.run(*words)) for name, words in commands_of(way).items()]
                runs.append(_run_of(way, "generate --no-track", way.generate("--no-track")))
            generated = way.generate()
            done += 6 if round_number else 1
            if round_number:
                runs.append({**_run_of(way, "generate", generated), "stages": json.loads(generated.output)["seconds"]})
                runs.append(_run_of(way, _BARE, way.generate_bare() or generated))
    return {
        "rounds": rounds,
        "commands": list(_medians(runs)),
        "stages": {way.name: _median_stages(runs, way) for way in ways},
        "same_frames": len({_digest_of_frames(next(filter(Path.exists, (way.bare_clip, way.clip)))) for way in ways})
        == 1,
        "runs": runs,
    }


def measure_neighbours(bench: Bench, context: RunContext, before: Path | None = None, rounds: int = 3) -> Figures:
    """A clip beside none, one and two processes that never rest."""
    ways = _ways(bench, before)
    runs = list[dict[str, Any]]()
    for way in ways:
        way.generate("--no-track")
    for round_number in range(rounds):
        for number in range(3):
            for way in ways:
                context.progress("neighbours", round_number * 3 + number, rounds * 3, "rounds", way.name)
                context.raise_if_stopped()
                with _busy(number):
                    runs.append(_run_of(way, f"{number} busy", way.generate("--no-track")))
    return {"rounds": rounds, "cores": cores(), "commands": list(_medians(runs)), "runs": runs}


@contextmanager
def _busy(number: int) -> Iterator[None]:
    """So many processes that each keep a core busy."""
    processes = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(number)]  # noqa: S603 - our own
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _ways(bench: Bench, before: Path | None) -> list[Way]:
    """This installation, and an earlier one with its packages compiled and as it was set up: where Python may keep no
    bytecode, it compiled them at each start.

    Raises:
        SettingsError: there is no earlier one in that folder.
    """
    ways = [Way("now", sys.executable, bench.config.root, bench.scratch / "now", {})]
    if before is not None:
        python = before.absolute() / ".venv/bin/python"
        if not python.exists():
            raise SettingsError(f"--before {before} has no .venv/bin/python; run make setup there, or name another.")
        folder, nothing = before.absolute(), bench.scratch / "no-bytecode"
        without = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(nothing)}
        ways.append(Way("before", str(python), folder, bench.scratch / "before", {}))
        ways.append(Way("before, no bytecode", str(python), folder, bench.scratch / "bare", without))
    for way in ways:
        shutil.rmtree(way.home, ignore_errors=True)
        way.home.mkdir(parents=True)
    return ways


def _run_of(way: Way, command: str, result: CommandResult) -> dict[str, Any]:
    return {"way": way.name, "command": command, **result.seconds.to_json(), "peak_mb": result.peak_mb}


def _medians(runs: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of each command and way, and how many times the first way's the others' are."""
    first = runs[0]["way"]
    for command in dict.fromkeys(run["command"] for run in runs):
        of_first = _median(runs, command, first, "wall")
        for way in dict.fromkeys(run["way"] for run in runs):
            walls = sorted(run["wall"] for run in runs if (run["command"], run["way"]) == (command, way))
            yield {
                "command": command,
                "way": way,
                "wall_seconds": median(walls),
                "quickest_seconds": walls[0],
                "cpu_seconds": _median(runs, command, way, "cpu"),
                "times": median(walls) / of_first,
            }


def _median(runs: Sequence[Mapping[str, Any]], command: str, way: str, field: str) -> float:
    return float(median(run[field] for run in runs if (run["command"], run["way"]) == (command, way)))


def _median_stages(runs: Sequence[Mapping[str, Any]], way: Way) -> dict[str, float]:
    """Seconds of each stage that a clip's own .json tells, and what the clock adds to them."""
    told = [run for run in runs if run["way"] == way.name and run["command"] == "generate"]
    stages = {name: median(run["stages"][name] for run in told) for name in told[0]["stages"]}
    return {**stages, "not told": median(run["wall"] - sum(run["stages"].values()) for run in told)}


def _digest_of_frames(clip: Path) -> str:
    """Of the pictures alone: a clip's own metadata names the code that made it."""
    digest = hashlib.sha256()
    for frame in read_frames(clip):
        digest.update(frame.frame_HWC.tobytes())
    return digest.hexdigest()


def _seconds(found: Figures, command: str, way: str = "now") -> float | None:
    rows = found["commands"]
    return next((row["wall_seconds"] for row in rows if (row["command"], row["way"]) == (command, way)), None)


def _command_targets(found: Figures) -> Iterator[Target]:
    yield at_most("seconds of reelops --help", _seconds(found, "--help"), 0.3)
    yield at_most("seconds of reelops score CLIP", _seconds(found, "score CLIP"), 2.0)
    yield at_most("seconds of reelops generate, tracked, as the model makes it", _seconds(found, _BARE), 9.0, aim=6.0)
    before, now = _seconds(found, "generate", "before"), _seconds(found, "generate")
    if before and now:
        yield at_most("times as long as before, with the picture's detail at 480 rows", now / before, 1.0)
    total = sum(found["stages"]["now"].values())
    yield at_most("share of a clip's seconds that it does not tell", found["stages"]["now"]["not told"] / total, 0.05)


def _neighbour_targets(found: Figures) -> Iterator[Target]:
    idle = _seconds(found, "0 busy")
    for number in (1, 2):
        busy = _seconds(found, f"{number} busy")
        slower = busy / idle if busy and idle else None
        # All cores are shared out evenly: of n cores, n of n + k busy threads are ours.
        share = (found["cores"] + number) / found["cores"]
        yield at_most(f"times slower beside {number} busy process{'es' * (number > 1)}", slower, round(share * 1.1, 2))


def _command_tables(found: Figures) -> Iterator[Table]:
    columns = {
        "Command": "command",
        "Installation": "way",
        "Seconds": "wall_seconds",
        "Quickest": "quickest_seconds",
        "Processor s": "cpu_seconds",
        "Times as long": "times",
    }
    yield Table.of("Commands", found["commands"], columns)
    for way, stages in found.get("stages", {}).items():
        rows = [{"stage": name, "seconds": seconds} for name, seconds in stages.items()]
        yield Table.of(f"Where the time of a tracked clip goes, {way}", rows, {"Stage": "stage", "Seconds": "seconds"})


def start_case(before: Path | None = None, rounds: int = 3) -> Case:
    """With an earlier checkout to compare with, whose .venv is set up."""
    options = (*(["--before FOLDER"] if before else []), f"--rounds {rounds}")
    return Case(
        "start",
        "Waiting for a command",
        "how long a person waits for the commands that are typed most, where that time goes, and what busy neighbours "
        "cost",
        Path("reports/benchmark/start.json"),
        (
            Part(
                "commands",
                "help, scoring a clip, and generating one with and without tracking, from start to end of the process",
                rounds * (90 if before else 30),
                partial(measure_commands, before=before, rounds=rounds),
                _command_tables,
                _command_targets,
                options=options,
            ),
            Part(
                "neighbours",
                "generating a clip beside processes that never rest",
                rounds * (150 if before else 50),
                partial(measure_neighbours, before=before, rounds=rounds),
                _command_tables,
                _neighbour_targets,
                options=options,
            ),
        ),
    )
