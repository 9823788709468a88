"""`reelops info`: what is in a video or picture, and how ReelOps made it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from reelops.errors import DONE, InputError
from reelops.system.plain_text import printable
from reelops.video.picture import PictureInfo, looks_like_picture, probe_picture
from reelops.video.probe import VideoInfo, probe
from reelops.views.console import terminal


def register(app: typer.Typer) -> None:
    app.command("info")(info)


def info(
    paths: Annotated[list[Path], typer.Argument(help="Videos or pictures.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: an object, or a list of several.")] = False,
) -> None:
    """Show what is in videos and pictures: size, exact rate, frames, sound, and how ReelOps made them."""
    found: list[dict[str, Any]] = []
    exit_code = DONE
    for path in paths:
        try:
            found.append(facts_of(path))
        except InputError as error:
            typer.echo(printable(f"reelops: {error}"), err=True)
            exit_code = error.exit_code
    if as_json and found:
        typer.echo(json.dumps(found if len(paths) > 1 else found[0], ensure_ascii=False, indent=2))
    elif not as_json:
        for facts in found:
            _print_table(facts)
    if exit_code:
        raise typer.Exit(exit_code)


def facts_of(path: Path) -> dict[str, Any]:
    """JSON values on a video or picture.

    Raises:
        InputError: it cannot be read as either.
    """
    if looks_like_picture(path):
        return _picture_facts(probe_picture(path))
    return _video_facts(probe(path))


def _picture_facts(info: PictureInfo) -> dict[str, Any]:
    return {"kind": "picture"} | asdict(info) | {"path": str(info.path)}


def _video_facts(info: VideoInfo) -> dict[str, Any]:
    facts = {"kind": "video"} | asdict(info) | {"path": str(info.path)}
    facts |= {"fps": str(info.fps), "duration": float(info.duration)}
    if info.audio:
        facts["audio"] |= {"duration": None if info.audio.duration is None else float(info.audio.duration)}
    return facts


def _print_table(facts: dict[str, Any]) -> None:
    rows = _picture_rows(facts) if facts["kind"] == "picture" else _video_rows(facts)
    width = max(len(name) for name, _ in rows)
    console = terminal(file=sys.stdout)
    console.print(Text(facts["path"], style="italic"), soft_wrap=True)
    for name, value in rows:
        console.print(Text.assemble((f"{name:<{width}}", "dim"), "  ", value), soft_wrap=True)
    console.print()


def _picture_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("picture", f"{facts['format']}, {facts['mode']}"),
        ("size", f"{facts['width']}x{facts['height']} pixels, {facts['size_bytes']:,} bytes"),
    ]
    return rows + ([("frames", str(facts["num_frames"]))] if facts["num_frames"] > 1 else [])


def _video_rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("video", f"{facts['codec']}, {facts['pixel_format']}, in {_container(facts)}"),
        ("size", f"{facts['width']}x{facts['height']} pixels{_turned(facts)}, {facts['size_bytes']:,} bytes"),
        ("rate", _rate(facts)),
        ("length", f"{facts['num_frames']} frames, {facts['duration']:.3f} s"),
        ("sound", _sound(facts["audio"])),
    ]
    rows += [("note", note) for note in facts["notes"]]
    if facts["damage"]:
        rows.append(("damage", facts["damage"]))
    provenance = facts["provenance"]
    if provenance is None:
        return [*rows, ("made by", "unknown: it carries no ReelOps provenance")]
    made = {name: value for name, value in provenance.items() if value is not None}
    return rows + [(name.replace("_", " "), _plain(value)) for name, value in made.items()]


def _container(facts: dict[str, Any]) -> str:
    """FFmpeg names all formats of a family at once; the file's own ending says which of them it is called."""
    names = facts["container"].split(",")
    ending = Path(facts["path"]).suffix.lower().removeprefix(".")
    return (ending if ending in names else "mp4" if "mp4" in names else names[0]).upper()


def _turned(facts: dict[str, Any]) -> str:
    turned = f" (stored turned by {facts['rotation']}°)" if facts["rotation"] else ""
    return turned + (" (stored mirrored)" if facts["mirrored"] else "")


def _rate(facts: dict[str, Any]) -> str:
    fps = Fraction(facts["fps"])
    exact = f"{fps}" if fps.denominator == 1 else f"{float(fps):.3f} ({fps})"
    return f"{exact} frames per second{', varying' if facts['variable_rate'] else ''}"


def _sound(audio: dict[str, Any] | None) -> str:
    return f"{audio['codec']}, {audio['sample_rate']} Hz, {audio['layout']}" if audio else "none"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
