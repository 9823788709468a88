"""From rows to jobs: which field of an order a column is, what is wrong with a row, and how a job's clip is called."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reelops.clip import ClipOrder, order_of, paths_with_strengths
from reelops.errors import Fault, InputError, ReelOpsError, did_you_mean, fault_of
from reelops.foreign import printable
from reelops.production.batch.rows import Row, read_rows
from reelops.production.output_names import check_name, default_stem
from reelops.settings import with_home
from reelops.system.plain_text import spelt_out

# Names that such files have for what an order calls otherwise: those of diffusers' parameters, and plain ones.
OTHER_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("image", "imagepath", "inputimage", "conditioningimage", "picturepath", "photo"), "picture"),
    **dict.fromkeys(("text", "caption", "scenario"), "prompt"),
    **dict.fromkeys(("lora", "lorapath", "adapterpath"), "adapter"),
    **dict.fromkeys(("lorascale", "lorastrength", "loraweight"), "adapter_strength"),
    **dict.fromkeys(("numinferencesteps", "inferencesteps"), "steps"),
    **dict.fromkeys(("guidancescale", "cfgscale"), "guidance"),
    **dict.fromkeys(("frames",), "num_frames"),
    **dict.fromkeys(("model",), "profile"),
    **dict.fromkeys(("outputpath", "outputfile", "filename"), "output"),
    **dict.fromkeys(("jobid",), "id"),
}
OWN_PREFIX = "x-"
# Far from the seeds 1, 2, 3 that people ask for in other rows.
_SEED_STEP = 1_000_003
_MOST_KEPT, _MOST_SHOWN = 1000, 10


@dataclass(frozen=True)
class Request:
    """What a job asks for.

    Attributes:
        output: name of its clip in the batch's folder, without `.mp4`; None names it after the order.
        id: what the file calls it; for reports alone.
    """

    order: ClipOrder
    output: str | None = None
    id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, by which a ledger knows it again: what an order leaves open is left out, so that a field
        that orders get later makes no other request of it."""
        order = self.order.model_dump(mode="json", exclude_defaults=True)
        return {"order": order, "output": self.output, "id": self.id}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Request:
        """The inverse of `to_json`.

        Raises:
            InputError: it was entered by a ReelOps whose orders had other fields.
        """
        return cls(order_of(**plain["order"]), plain["output"], plain["id"])

    def order_of_try(self, tries: int) -> ClipOrder:
        """The order after so many rejected clips: the same with a seed of its own."""
        return self.order.but(seed=(self.order.seed + tries * _SEED_STEP) % 2**63) if tries else self.order

    def clip_of_try(self, folder: Path, key: str, tries: int) -> Path:
        """The file of a try's clip: the same for the same request, whatever else the batch has.

        Args:
            key: the job's in the ledger, which keeps orders apart whose names would be the same.
        """
        if self.output is None:
            digest, _, number = key.partition("-")
            return folder / f"{default_stem(self.order_of_try(tries))}-{digest[:8]}{number and f'-{number}'}.mp4"
        return folder / f"{self.output}{f'-try{tries + 1}' if tries else ''}.mp4"


@dataclass
class Problems:
    """Rows that no clip can be made of.

    Attributes:
        count: how many.
        kept: the first thousand of them, a line each.
        rows: their numbers.
    """

    count: int = 0
    kept: list[str] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)

    def add(self, number: int, line: str) -> None:
        self.count += 1
        self.rows.add(number)
        if len(self.kept) < _MOST_KEPT:
            self.kept.append(line)

    def in_lines(self) -> str:
        """The first of them, for a person."""
        shown = self.kept[:_MOST_SHOWN]
        return "\n".join([*shown, *([f"and {self.count - len(shown)} more"] if self.count > len(shown) else [])])


def read_requests(path: Path, leave_out: frozenset[int] | set[int] = frozenset()) -> Iterator[Request]:
    """The request of every row in its order.

    Args:
        leave_out: numbers of rows, from 1.

    Raises:
        InputError: a row is no order; names the row and the field.
    """
    for number, row in enumerate(read_rows(path), start=1):
        if number not in leave_out:
            yield _request_of(row, path)


def check_requests(path: Path, check: Callable[[ClipOrder], None]) -> tuple[int, Problems]:
    """Looks at all rows before anything is made; how many there are, and what is wrong with which.

    Args:
        check: fails on an order that cannot be carried out.

    Raises:
        InputError: the file cannot be read at all, or two rows name the same output.
        MachineError: this machine failed.
    """
    problems, outputs, count = Problems(), dict[str, str](), 0
    for count, row in enumerate(read_rows(path), start=1):
        try:
            request = _request_of(row, path)
            check(request.order)
            if request.output is not None:
                if (name := request.output.casefold()) in outputs:
                    raise InputError(f"output {request.output!r} is that of {outputs[name]}, too; give another one.")
                outputs[name] = row.place
        except ReelOpsError as error:
            if fault_of(error) is Fault.MACHINE:
                raise
            where = f"{path}, {row.place}"
            problems.add(count, str(error) if str(error).startswith(where) else f"{where}: {error}")
    return count, problems


def _request_of(row: Row, path: Path) -> Request:
    """The request of a row.

    Raises:
        InputError: it is none; names row, field and value.
    """
    where = f"{path}, {row.place}"
    if row.wrong is not None:
        raise InputError(row.wrong)
    fields: dict[str, Any] = {}
    for given, value in row.fields.items():
        name = _field_of(given)
        if name is None:
            continue
        if name in fields:
            raise InputError(f"{where}: {printable(given)} says {name} again; give it once.")
        fields[name] = value
    output, label = _text(fields.pop("output", None)), _text(fields.pop("id", None))
    if unknown := next((name for name in fields if name not in ClipOrder.model_fields), None):
        guess = did_you_mean(unknown, ClipOrder.model_fields) or f" An order has {', '.join(ClipOrder.model_fields)}."
        raise InputError(
            f"{where}: an order has no field {printable(unknown)!r}.{guess} A column of your own begins with "
            f"{OWN_PREFIX}."
        )
    try:
        return Request(order_of(**_with_places(fields, path)), _stem(output), label)
    except InputError as error:
        raise type(error)(f"{where}: {error}") from error


def _field_of(given: str) -> str | None:
    """The field that a column is, by whichever of its names; None where it is the user's own."""
    if given.casefold().startswith((OWN_PREFIX, "x_")):
        return None
    plain = "".join(letter for letter in given.casefold() if letter.isalnum())
    own = {name.replace("_", ""): name for name in (*ClipOrder.model_fields, "output", "id")}
    return own.get(plain) or OTHER_NAMES.get(plain) or given


def _with_places(fields: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """An order's fields, their paths absolute; what is no path is left for the order to refuse."""
    placed = dict(fields)
    for name in ("picture", "adapter"):
        if isinstance(fields.get(name), str) and "\0" not in fields[name]:
            placed[name] = _placed(fields[name], path)
    further = fields.get("more_adapters")
    if isinstance(further, str) and all(name and "\0" not in name for name, _ in paths_with_strengths(further)):
        placed["more_adapters"] = ",".join(
            f"{_without_comma(_placed(name, path))}={strength}" for name, strength in paths_with_strengths(further)
        )
    return placed


def _without_comma(adapter: str) -> str:
    """A path that can stand in a list.

    Raises:
        InputError
    """
    if "," in adapter:
        raise InputError(f"more_adapters names {adapter!r}, and commas part its adapters; move it to a path without.")
    return adapter


def _placed(value: str, path: Path) -> str:
    """A relative path counts from the working folder, or where nothing is there, from the folder of the file."""
    given = with_home(Path(value))
    beside = path.absolute().parent / given
    # pathlib raises for names that no disk takes, and no row may stop the others
    return str(beside if not os.path.exists(given) and os.path.exists(beside) else given.absolute())  # noqa: PTH110


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _stem(output: str | None) -> str | None:
    """The name of an output without its ending.

    Raises:
        InputError: clips cannot be called so.
    """
    if output is None:
        return None
    if spelt_out(output) != output:
        raise InputError(f"output is {printable(output)!r}, which is no Unicode; give another name.")
    name = output if output.lower().endswith(".mp4") else f"{output}.mp4"
    if Path(name).name != name:
        raise InputError(
            f"output is {output!r}, and all clips of a batch are in one folder; give a name without folders."
        )
    check_name(Path(f"{name[:-4]}-try99.mp4"))
    return name[:-4]
