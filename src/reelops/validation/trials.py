"""What is tried: held-out pictures and prompts, and the seed of each pair of clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelops.camera.moves import CameraMove
from reelops.camera.request import asked_move
from reelops.dataset.metadata.window import by_chance
from reelops.dataset.table import CLIPS, ClipRow, read_clips
from reelops.errors import DatasetError, SettingsError
from reelops.foreign import refuse_machine_fault
from reelops.params import find_files
from reelops.system.digest import sha256_of
from reelops.validation.params import ValidateParams
from reelops.video.picture import probe_picture

_SEEDS = 2**31


@dataclass(frozen=True)
class HeldOutPicture:
    """A picture that nothing was trained on.

    Attributes:
        name: for people, and the same on every machine.
        photograph: what it was cut from: pictures of one photograph look alike.
    """

    path: Path
    name: str
    sha256: str
    photograph: str


@dataclass(frozen=True)
class Trial:
    """A clip that is made twice, by the base and with the adapter.

    Attributes:
        name: `style-03`.
        group: `style`, `moves` or `prompts`.
        asked: the camera move that the prompt names.
    """

    name: str
    group: str
    prompt: str
    picture: HeldOutPicture
    seed: int
    asked: CameraMove | None


def find_pictures(params: ValidateParams, root: Path) -> tuple[list[HeldOutPicture], list[str]]:
    """The pictures to try, one of each photograph before a second of any; and notes for the user.

    Those of the project's own table go first, so that the same project tries the same ones wherever it is.

    Raises:
        SettingsError: there are none.
        PictureError: one cannot be read.
    """
    rows, notes = _held_out_rows(params, root)
    files, missing = find_files(params.held_out, root, "validate.held_out")
    if missing:
        notes.append(f"{', '.join(missing)} of validate.held_out is not here and was left out")
    found = [_Candidate(root / row.image_path, row.clip_id, row.origin) for row in rows]
    found = _by_chance(found, params.seed) + _by_chance([_Candidate(path, path.name) for path in files], params.seed)
    if not found:
        splits = " or ".join(params.splits) or "any split"
        raise SettingsError(
            f"There is no picture to validate on: {CLIPS} has none of {splits}, and validate.held_out names none that "
            "is here. Run `reelops metadata`, or name pictures in params.yaml."
        )
    return [_checked(one) for one in _one_of_each_first(found)[: params.pictures]], notes


def note_on_style(params: ValidateParams, root: Path) -> list[str]:
    """That no clip was trained on under the phrase of the style: params.yaml asks for another's."""
    try:
        rows = read_clips(root / CLIPS) if params.style else []
    except DatasetError as error:
        refuse_machine_fault(root / CLIPS, error)
        return []
    trained = [row for row in rows if row.split == "train"]
    if params.style is None or not trained:
        return []
    if any(params.style.called_by(caption) for row in trained for caption in (row.prompt, *row.captions)):
        return []
    return [
        f"no caption of {CLIPS} says {params.style.phrase!r}, and the adapter is asked for it; write your style into "
        "validate.style of params.yaml (name, phrase, trait, prompts), or take the block out"
    ]


def plan_trials(params: ValidateParams, pictures: Sequence[HeldOutPicture]) -> list[Trial]:
    """Every prompt on its pictures, which go round from prompt to prompt so that all are used alike."""
    trials = []
    for group, prompts in params.groups:
        on_each = min(prompts.pictures, len(pictures))
        for number in range(len(prompts.prompts) * on_each):
            prompt = prompts.prompts[number // on_each]
            picture = pictures[number % len(pictures)]
            trials.append(
                Trial(
                    name=f"{group}-{number + 1:02}",
                    group=group,
                    prompt=prompt,
                    picture=picture,
                    seed=by_chance(_SEEDS, params.seed, "validate", prompt, picture.sha256),
                    asked=asked_move(prompt),
                )
            )
    return trials


def _held_out_rows(params: ValidateParams, root: Path) -> tuple[list[ClipRow], list[str]]:
    if not params.splits:
        return [], []
    try:
        rows = read_clips(root / CLIPS)
    except DatasetError as error:
        refuse_machine_fault(root / CLIPS, error)
        return [], [f"{error} Only pictures of validate.held_out are tried."]
    return [row for row in rows if row.split in params.splits], []


@dataclass(frozen=True)
class _Candidate:
    path: Path
    name: str
    origin: str | None = None

    @property
    def photograph(self) -> str:
        return self.origin or self.name


def _by_chance(candidates: Iterable[_Candidate], seed: int) -> list[_Candidate]:
    return sorted(candidates, key=lambda one: by_chance(2**63, seed, "validate", one.name))


def _one_of_each_first(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The same, with the first of every photograph before the second of any."""
    seen: Counter[str] = Counter()
    rounds = []
    for one in candidates:
        rounds.append(seen[one.photograph])
        seen[one.photograph] += 1
    return [one for _, one in sorted(zip(rounds, candidates, strict=True), key=lambda pair: pair[0])]


def _checked(one: _Candidate) -> HeldOutPicture:
    probe_picture(one.path)
    return HeldOutPicture(one.path, one.name, sha256_of(one.path), one.photograph)
