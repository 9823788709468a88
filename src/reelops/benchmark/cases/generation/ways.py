"""The ways to make a clip that are measured beside each other: orders with other fields, or another checkout's code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reelops.benchmark.cases.generation import maker
from reelops.clip import ClipOrder
from reelops.errors import MachineError, SettingsError
from reelops.params import Config
from reelops.production.producer import Producer, build_producer
from reelops.progress import QUIET, RunContext

BASELINE = "baseline"


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        name: what tables call it.
        fields: of the order, that differ from the profile's own.
        checkout: the folder of another ReelOps, whose code makes the clips; None is this one.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    checkout: Path | None = None

    @classmethod
    def parse(cls, text: str, name: str = "") -> Way:
        """The way that `steps=8,guidance=1` describes; with a name before it as `fewer: steps=8`.

        Raises:
            SettingsError: it names no field of an order.
        """
        before, colon, after = text.partition(":")
        named, rest = (before.strip(), after) if colon and "=" not in before else (name or text.strip(), text)
        fields = {}
        for part in filter(None, (part.strip() for part in rest.split(","))):
            key, given, value = part.partition("=")
            key = key.strip().replace("-", "_")
            if not given or key not in ClipOrder.model_fields or key in ("picture", "prompt", "seed"):
                known = ", ".join(one for one in ClipOrder.model_fields if one not in ("picture", "prompt", "seed"))
                raise SettingsError(f"{part!r} is no FIELD=VALUE of an order. Fields that a way may have: {known}.")
            fields[key] = value.strip()
        return cls(named, fields)

    def order(self, order: ClipOrder) -> ClipOrder:
        """The order, made in this way.

        Raises:
            InputError: a field cannot have that value.
        """
        return order.but(**self.fields)


class Maker(Protocol):
    """Makes clips in one way."""

    def make(self, order: ClipOrder, cold: bool = False) -> dict[str, Any]:
        """What the clip took, as `maker.make_clip` tells it.

        Args:
            cold: load the model anew.
        """


class OwnMaker:
    """Makes clips by this process's production line."""

    def __init__(self, producer: Producer, folder: Path, context: RunContext) -> None:
        self._producer, self._folder, self._context = producer, folder, context

    def make(self, order: ClipOrder, cold: bool = False) -> dict[str, Any]:
        """See `Maker`."""
        if cold:
            maker.forget_model()
        return maker.make_clip(self._producer, order, self._folder, self._context)


class CheckoutMaker:
    """Makes clips by the code of a checkout, in a process of its own that stays warm."""

    def __init__(self, checkout: Path, config: Config, folder: Path) -> None:
        own = {"PYTHONPATH": str(checkout / "src"), "REELOPS_HOME": str(config.home)}
        self._checkout, self._errors = checkout, folder / "errors.txt"
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [_python_of(checkout), maker.__file__, str(config.params_file), str(folder)],
            cwd=config.root,
            env={**os.environ, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors.open("w"),
            text=True,
        )

    def make(self, order: ClipOrder, cold: bool = False) -> dict[str, Any]:
        """See `Maker`.

        Raises:
            MachineError: the process ended; with the last line that it wrote.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        # Fields at their defaults may be unknown to an earlier ReelOps.
        fields = order.model_dump(mode="json", exclude_defaults=True)
        try:
            self._process.stdin.write(json.dumps({"order": fields, "cold": cold}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self._process.stdout.readline()
        if not answer:
            said = self._errors.read_text(errors="replace").strip().rpartition("\n")[2]
            raise MachineError(f"{self._checkout} could not make a clip: {said or 'its process ended.'}")
        told: dict[str, Any] = json.loads(answer)
        return told

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def open_makers(
    ways: list[Way], config: Config, scratch: Path, stack: ExitStack, context: RunContext = QUIET
) -> dict[str, Maker]:
    """A maker for each way; those with a process of their own are ended with the stack.

    Where one way needs a process of its own, so does every other: what is compared runs under equal conditions.
    """
    apart = any(way.checkout for way in ways)
    makers: dict[str, Maker] = {}
    producer = None if apart else build_producer(config)
    for number, way in enumerate(ways):
        folder = scratch / f"way-{number}"
        folder.mkdir()
        if producer is not None:
            makers[way.name] = OwnMaker(producer, folder, context.unwatched())
            continue
        own = CheckoutMaker(way.checkout or _here(), config, folder)
        stack.callback(own.close)
        makers[way.name] = own
    return makers


def _here() -> Path:
    """The folder of this checkout, or whatever holds the package as `src` does."""
    return Path(maker.__file__).parents[5]


def _python_of(checkout: Path) -> str:
    """The checkout's own Python, with the libraries that go with its code; this one's, where it has none."""
    own = checkout / ".venv/bin/python"
    return str(own) if own.is_file() else sys.executable
