"""`reelops doctor`: what this machine is, what is installed, and what can run here and why not."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from reelops.cli.parameter_blocks import problems_in
from reelops.clip import DEFAULT_PROFILE
from reelops.cogvideox.architecture import read_architecture
from reelops.cogvideox.clip_format import choose_format
from reelops.cogvideox.memory import BYTES, choose_dtype, plan_memory
from reelops.cogvideox.profiles import load_profiles
from reelops.cogvideox.weights import locate_weights
from reelops.errors import DONE, FAILED, MachineError, ReelOpsError, SettingsError
from reelops.params import read_config
from reelops.settings import (
    HOME_REMEDY,
    PACKAGE,
    PARAMS_NAME,
    Settings,
    find_checkout,
    load_settings,
    shipped_folder,
)
from reelops.shown_address import shown
from reelops.system.device_lock import lock_folder
from reelops.system.hardware import inspect_machine
from reelops.tracking.commit import refused_by_git
from reelops.tracking.lineage import code_commit
from reelops.views.console import terminal

Mark = Literal["ok", "warn", "fail"]

STACK = (
    "torch",
    "diffusers",
    "transformers",
    "accelerate",
    "peft",
    "safetensors",
    "huggingface_hub",
    "numpy",
    "av",
    "opencv-contrib-python",
    "prefect",
    "mlflow",
)
# Without these nothing can be generated; without the others only a part of ReelOps is missing.
NEEDED = frozenset(STACK[:6]) | {"numpy", "av", "opencv-contrib-python"}
SUPPORTED_PYTHONS = ((3, 11), (3, 12), (3, 13))
SERVER_TIMEOUT_SECONDS = 1.5
LOW_DISK_BYTES = 5e9
GB = 1e9
_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


@dataclass(frozen=True)
class Finding:
    """One line of the report. `facts` is for machines."""

    group: str
    name: str
    mark: Mark
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


def examine(settings: Settings, dtype: str | None = None) -> list[Finding]:
    """Everything doctor says, in order; a broken part of the machine is a finding, never an exception."""
    machine, machine_findings = _machine()
    return [
        *machine_findings,
        *_places(settings),
        *(_version(name) for name in STACK),
        _tracking(settings.mlflow_tracking_uri),
        _prefect(settings.prefect_api_url),
        *_profiles(settings, machine, dtype),
    ]


def can_generate(findings: Sequence[Finding]) -> bool:
    """Whether the default profile runs here, and what it makes can be kept."""
    usable = {(item.group, item.name) for item in findings if item.mark != "fail"}
    return {("profiles", DEFAULT_PROFILE), ("places", "stores")} <= usable


def _machine() -> tuple[Any, list[Finding]]:
    findings = [
        Finding("machine", "system", "ok", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        _python(),
    ]
    machine = None
    try:
        machine = inspect_machine()
        findings += _processor(machine)
    except MachineError as error:
        findings.append(Finding("machine", "accelerator", "fail", str(error)))
    except Exception as error:  # a driver can fail in ways of its own; doctor is there to say so
        findings.append(Finding("machine", "accelerator", "fail", f"{type(error).__name__}: {_first_line(error)}"))
    return machine, findings


def _python() -> Finding:
    good = sys.version_info[:2] in SUPPORTED_PYTHONS
    names = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED_PYTHONS)
    text = platform.python_version() + ("" if good else f"; ReelOps is tested with {names}")
    return Finding("machine", "python", "ok" if good else "warn", text)


def _processor(machine: Any) -> list[Finding]:
    features = ", ".join(machine.cpu_features) or "nothing of note"
    findings = [
        Finding("machine", "processor", "ok", f"{machine.cpu}, {machine.cores} cores ({features})", asdict(machine)),
        Finding(
            "machine", "memory", "ok", f"{machine.ram_free_bytes / GB:.1f} GB free of {machine.ram_bytes / GB:.1f} GB"
        ),
    ]
    for gpu in machine.gpus:
        # What is free is asked of the device that a command here would take, and of no other.
        free = "" if gpu.free_bytes is None else f"{gpu.free_bytes / GB:.1f} GB free of "
        text = f"{gpu.name}, {free}{gpu.total_bytes / GB:.1f} GB, driver {_driver()}"
        findings.append(Finding("machine", "gpu", "ok", text))
    if not machine.gpus:
        findings.append(Finding("machine", "gpu", "ok", "none that torch can use; the tiny profile needs none"))
    findings.append(_device_lock())
    dtype, why = choose_dtype(machine)
    findings.append(Finding("machine", "number format", "ok", f"{dtype}: {why}", {"dtype": dtype}))
    return findings


def _device_lock() -> Finding:
    folder, for_all = lock_folder()
    if for_all:
        return Finding("machine", "device locks", "ok", f"{folder}, for all users of this machine")
    text = f"{folder}, yours alone: no folder takes files of all users, so runs of others on a GPU are not seen"
    return Finding("machine", "device locks", "warn", text)


def _driver() -> str:
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    words = text.splitlines()[0].split()
    return next((word for word in words if word[:1].isdigit() and "." in word), "unknown")


def _places(settings: Settings) -> list[Finding]:
    """Where the code, its parameters and the stores are."""
    checkout, shipped = find_checkout(), shipped_folder() / PARAMS_NAME
    code = f"checkout {checkout}" if checkout else f"installed in {PACKAGE}"
    params = str(settings.params_file)
    if settings.params_file != shipped:
        params += f"; for what it does not say, {shipped}"
    return [
        _code(code),
        _parameters(settings, params),
        Finding("places", "project", "ok", f"{settings.root}; relative paths count from here"),
        _home(settings),
    ]


def _code(place: str) -> Finding:
    refused = refused_by_git(shipped_folder())
    text = f"{place}, commit {code_commit() or 'unknown'}" + (f": {refused}" if refused else "")
    return Finding("places", "code", "warn" if refused else "ok", text)


def _parameters(settings: Settings, place: str) -> Finding:
    """Where they are, and what is wrong in any block of them."""
    try:
        problems = problems_in(read_config(settings))
    except ReelOpsError as error:
        problems = [str(error)]
    if problems:
        return Finding("places", "parameters", "fail", " ".join(problems), {"problems": problems})
    return Finding("places", "parameters", "ok", place)


def _home(settings: Settings) -> Finding:
    if problem := settings.problem_of_home:
        return Finding("places", "stores", "fail", f"{settings.home} {problem}. {HOME_REMEDY}")
    return _disk("stores", settings.home)


def _disk(name: str, folder: Path) -> Finding:
    place = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("places", name, "fail", f"{place}: {error.strerror}")
    low = free < LOW_DISK_BYTES
    text = f"{folder}, {free / GB:.1f} GB free" + ("; clips and weights need room" if low else "")
    return Finding("places", name, "warn" if low else "ok", text, {"free_bytes": free})


def _version(name: str) -> Finding:
    try:
        return Finding("versions", name, "ok", metadata.version(name))
    except metadata.PackageNotFoundError:
        needed = name in NEEDED
        text = "not installed" + ("; install the project's requirements" if needed else "; that part of ReelOps is off")
        return Finding("versions", name, "fail" if needed else "warn", text)


def _reaches(url: str) -> str | None:
    """None when a server answers at this address, else why not."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return "not an http address"
    # Health is public; urllib would take a name and password for a part of the host.
    bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    try:
        with urllib.request.urlopen(bare, timeout=SERVER_TIMEOUT_SECONDS):  # noqa: S310 (the scheme is checked above)
            return None
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}"
    except (OSError, ValueError) as error:
        return _first_line(getattr(error, "reason", error))


def _server(name: str, url: str, path: str, remedy: str) -> Finding:
    place = shown(url)
    problem = _reaches(url.rstrip("/") + path)
    if problem is None:
        return Finding("servers", name, "ok", f"{place} answers")
    return Finding("servers", name, "warn", f"{place} cannot be reached: {problem}. {remedy}")


def _tracking(uri: str) -> Finding:
    if uri.startswith(("http://", "https://")):
        return _server("mlflow", uri, "/health", "Start it, or unset MLFLOW_TRACKING_URI to log to a local file.")
    return Finding("servers", "mlflow", "ok", f"embedded store {shown(uri)}")


def _prefect(url: str | None) -> Finding:
    if url is None:
        return Finding("servers", "prefect", "ok", "none set; flows run embedded")
    return _server("prefect", url, "/health", "Start it, or unset PREFECT_API_URL to run flows embedded.")


def _profiles(settings: Settings, machine: Any, dtype: str | None) -> list[Finding]:
    try:
        profiles = load_profiles(read_config(settings))
    except (ReelOpsError, ImportError) as error:
        return [Finding("profiles", DEFAULT_PROFILE, "fail", _first_line(error))]
    return [
        _guarded(profile.name, partial(_profile, profile, settings, machine, dtype)) for profile in profiles.values()
    ]


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except ReelOpsError as error:
        return Finding("profiles", name, "fail", str(error))
    except Exception as error:  # one broken profile must not hide the others
        return Finding("profiles", name, "fail", f"{type(error).__name__}: {_first_line(error)}")


def _profile(profile: Any, settings: Settings, machine: Any, dtype: str | None) -> Finding:
    weights, missing = None, ""
    if profile.weights == "trained":
        try:
            weights = locate_weights(profile, settings.cache, download=False)
        except ReelOpsError as error:
            if profile.hub is None:
                raise
            missing = str(error)
    architecture = read_architecture(weights.folder) if weights else profile.known_architecture()
    if architecture is None:
        return Finding("profiles", profile.name, "warn", f"{missing} Name its `architecture` to plan memory before.")
    architecture.check()
    clip = choose_format(profile, architecture)
    if machine is None:
        raise MachineError("cannot run without torch.")
    plan = plan_memory(architecture, clip, machine, dtype)
    facts = {
        "plan": asdict(plan),
        "base_revision": weights.revision if weights else None,
        "weights_here": weights is not None,
    }
    own = f"{clip.width}x{clip.height}{' or the shape of the picture' if profile.picture_shape else ''}"
    finished = f", finished at {profile.size}" if profile.size else ""
    shape = f"{own}, {clip.num_frames} frames at {clip.fps} fps{finished}"
    notes = "".join(f" Note: {note}." for note in (weights.notes if weights else ()))
    if profile.weights == "random":
        notes = " Random weights: frames are noise, only time and memory mean anything."
    if missing:
        size = sum(architecture.parameters.values()) * BYTES["bfloat16"]
        return Finding(
            "profiles",
            profile.name,
            "warn",
            f"{shape}. {plan.reason} Weights (about {size / GB:.0f} GB): {missing}",
            facts,
        )
    return Finding("profiles", profile.name, "ok", f"{shape}. {plan.reason}{notes}", facts)


def _first_line(error: object) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _print(findings: Sequence[Finding]) -> None:
    console = terminal()
    for group in dict.fromkeys(item.group for item in findings):
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for item in findings:
            if item.group == group:
                table.add_row(_MARKS[item.mark], escape(item.name), escape(item.text))
        console.print(f"[dim]{group}[/]")
        console.print(table)
    if can_generate(findings):
        console.print('[green]Ready:[/] `reelops generate PICTURE "PROMPT"` can run here.')
    else:
        console.print(f"[red]Not ready:[/] the {DEFAULT_PROFILE} profile cannot run here; see ✗ above.")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    dtype: Annotated[
        str | None, typer.Option(help="Plan for this number format: float32, bfloat16 or float16.")
    ] = None,
) -> None:
    """Say what this machine can run, and why not what it cannot."""
    try:
        findings = examine(load_settings(), dtype)
    except SettingsError as error:
        findings = [Finding("profiles", DEFAULT_PROFILE, "fail", str(error))]
    ready = can_generate(findings)
    if as_json:
        typer.echo(
            json.dumps({"ready": ready, "findings": [asdict(item) for item in findings]}, ensure_ascii=False, indent=2)
        )
    else:
        _print(findings)
    raise typer.Exit(DONE if ready else FAILED)


def register(app: typer.Typer) -> None:
    """Adds `doctor` to the command line."""
    app.command("doctor")(doctor)
