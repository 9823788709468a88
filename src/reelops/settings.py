"""Where stores, servers and what ReelOps ships are. An environment variable `REELOPS_<NAME>` sets what can be set.

ReelOps runs from a checkout or from a wheel. A checkout has params.yaml and the embedded model at its root and keeps
its stores there; a wheel carries both inside the package, and its stores are in the user's own data folder.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, PrivateAttr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from reelops.addresses import problem_of_store_address, problem_of_web_address, sqlite_uri
from reelops.errors import SettingsError, nearest_name
from reelops.shown_address import shown

PREFIX = "REELOPS_"
# Variables of that prefix that are no settings: the tests', and what Kubernetes tells every pod of a service that is
# called reelops-something.
_OTHER_VARIABLES = re.compile(r"REELOPS_(TEST_|(\w+_)?SERVICE_(HOST|PORT)|(\w+_)?PORT($|_\d))")
PARAMS_NAME = "params.yaml"
EMBEDDED_MODEL = Path("models/tiny-i2v")
HOME_REMEDY = "Set REELOPS_HOME to a folder that can be written and has room."
# For the frames of a clip of the largest profile on their way to the encoder, and for what the stores grow by.
LEAST_ROOM_BYTES = 64_000_000

# A params.yaml with one of these blocks is for ReelOps: other DVC projects have a file of that name, too.
OWN_BLOCKS = ("profiles:", "gate:", "score:", "latents:")
# Others have a block of this name, too; ours begins with the sources of its clips.
_DATA_BLOCK = re.compile(rb"^dataset:\s*(#.*)?\n(\s*(#.*)?\n)*\s+sources:", re.MULTILINE)
PACKAGE = Path(str(files("reelops"))).resolve()


def with_home(path: Path) -> Path:
    """The path, with the home folder that a `~` at its beginning stands for.

    Raises:
        SettingsError: it is the home of a user that this machine does not have.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise SettingsError(
            f"{path} begins with the home folder of a user, and this machine has no such user. Write the folder out, "
            f"or ./{path} where the file is called so."
        ) from error


def real_path(path: Path) -> Path:
    """The absolute path without links in it; where links lead round in a circle, nothing is there."""
    return Path(os.path.realpath(path))  # pathlib raises where links lead round in a circle


def find_checkout() -> Path | None:
    """The checkout that this code runs from; None where it was installed as a wheel."""
    folder = PACKAGE.parents[1]
    return folder if folder / "src" / "reelops" == PACKAGE and (folder / PARAMS_NAME).is_file() else None


def shipped_folder() -> Path:
    """Where this ReelOps has its own params.yaml, models/tiny-i2v and data/samples: its checkout, or its package."""
    return find_checkout() or PACKAGE / "shipped"


def find_params_file(start: Path | None = None) -> Path:
    """The params.yaml that counts: upwards from `start` (the working folder), else the one that ReelOps ships."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if _is_for_reelops(folder / PARAMS_NAME):
            return folder / PARAMS_NAME
    return shipped_folder() / PARAMS_NAME


def _is_for_reelops(path: Path) -> bool:
    """Whatever its encoding: in UTF-16 every second byte of these names is 0, and a byte order mark may stand first."""
    try:
        text = path.read_bytes().replace(b"\0", b"") if path.is_file() else b""
    except OSError:
        return False
    starts = tuple(name.encode() for name in OWN_BLOCKS)
    text = text.lstrip(b"\xef\xbb\xbf\xff\xfe")
    return any(line.startswith(starts) for line in text.splitlines()) or bool(_DATA_BLOCK.search(text))


def _params_file(validated: Mapping[str, Any]) -> Path:
    """Of the fields that are validated so far; a params_file that is refused is complained about elsewhere."""
    path: Path = validated.get("params_file") or find_params_file()
    return path


def _root_of(params_file: Path) -> Path:
    """The project's folder. Nobody works inside an installed package: there it is the working folder."""
    return Path.cwd() if params_file.is_relative_to(PACKAGE) else params_file.parent


def _default_home(root: Path) -> Path:
    if find_checkout():
        return root / ".reelops"
    from platformdirs import user_data_path  # not needed in a checkout

    return user_data_path("reelops", appauthor=False)


class Settings(BaseSettings):
    """One home folder with every store in it, and the servers, where there are any.

    Attributes:
        params_file: the params.yaml of the project; what it does not say, the one that ReelOps ships says.
        home: the folder of all stores: .reelops in the root, or the user's data folder where ReelOps was installed.
        mlflow_tracking_uri: SQLite in `home` by default; `MLFLOW_TRACKING_URI` counts too.
        ledger_uri: the ledger of jobs: SQLite in `home` by default; processes that share a batch share it.
        prefect_api_url: None runs flows without a server; `PREFECT_API_URL` counts too.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, validate_default=True, populate_by_name=True
    )

    params_file: Path = Field(default_factory=find_params_file)
    home: Path = Field(default_factory=lambda data: _default_home(_root_of(_params_file(data))))
    mlflow_tracking_uri: str = Field(
        default="",
        validation_alias=AliasChoices("REELOPS_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI"),
    )
    ledger_uri: str = ""
    prefect_api_url: str | None = Field(
        default=None, validation_alias=AliasChoices("REELOPS_PREFECT_API_URL", "PREFECT_API_URL")
    )

    @field_validator("params_file", mode="after")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return real_path(with_home(path))

    @field_validator("home", mode="after")
    @classmethod
    def _under_root(cls, path: Path, info: Any) -> Path:
        return real_path(_root_of(_params_file(info.data)) / with_home(path))

    @field_validator("mlflow_tracking_uri", mode="after")
    @classmethod
    def _store_address(cls, uri: str, info: Any) -> str:
        if uri and (why := problem_of_store_address(uri)):
            raise PydanticCustomError("address", "{why}", {"why": why})
        return uri or sqlite_uri(info.data.get("home", Path()) / "mlflow.db")

    @field_validator("ledger_uri", mode="after")
    @classmethod
    def _ledger_address(cls, uri: str, info: Any) -> str:
        return uri or sqlite_uri(info.data.get("home", Path()) / "ledger.db")

    @field_validator("prefect_api_url", mode="after")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url and (why := problem_of_web_address(url)):
            raise PydanticCustomError("address", "{why}", {"why": why})
        return url or None

    _root: Path = PrivateAttr()

    def model_post_init(self, _context: Any) -> None:
        self._root = _root_of(self.params_file)

    @property
    def root(self) -> Path:
        """The project's folder, which relative paths count from: that of params_file, or the working folder where that
        is the one inside the installed package."""
        return self._root

    @property
    def problem_of_home(self) -> str | None:
        """Why the home folder takes no runs, as the end of a sentence about it; None where it is there with room, or
        can be made. Makes nothing."""
        nearest = next(path for path in (self.home, *self.home.parents) if path.exists() or path.is_symlink())
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            return "cannot be written"
        try:
            free_bytes = shutil.disk_usage(nearest).free
        except OSError as error:
            return f"cannot be written: {error.strerror}"
        if free_bytes < LEAST_ROOM_BYTES:
            return f"has {free_bytes / 1e6:.0f} MB of room, and a run needs {LEAST_ROOM_BYTES / 1e6:.0f} MB on its way"
        return None

    def require_home(self) -> None:
        """Fails before any work is done for which there is no place.

        Raises:
            SettingsError: nothing, or not enough, can be written into the home folder.
        """
        if problem := self.problem_of_home:
            raise SettingsError(f"{self.home}, where runs are kept, {problem}. {HOME_REMEDY}")

    def locate(self, path: Path) -> Path:
        """A folder that params.yaml names, from the project's root; the embedded model is there, or shipped."""
        ours = self.root / with_home(path)
        return real_path(shipped_folder() / path if path == EMBEDDED_MODEL and not ours.exists() else ours)

    @property
    def outputs(self) -> Path:
        """Where clips go when nobody names a place."""
        return self.home / "outputs"

    @property
    def cache(self) -> Path:
        """What can be thrown away at any time."""
        return self.home / "cache"

    @property
    def prefect_home(self) -> Path:
        """Prefect's own folder when it runs embedded."""
        return self.home / "prefect"


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment.

    Raises:
        SettingsError: a value cannot be used, or a variable of the environment sets nothing that there is.
    """
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = _variable_that_is_set("_".join(str(part) for part in first["loc"]).upper())
        given = first.get("input")
        told = shown(given) if isinstance(given, str) else given
        raise SettingsError(f"{name} is {told!r}: {first['msg']}. Correct or unset it.") from error


def _variable_that_is_set(name: str) -> str:
    """The variable that a value is from: ours, or the one of the same name that the server's own tools read."""
    own = name if name.startswith(PREFIX) else f"{PREFIX}{name}"
    foreign = own.removeprefix(PREFIX)
    return foreign if own not in os.environ and foreign in os.environ and foreign.endswith(("_URI", "_URL")) else own


def _refuse_unknown_variables() -> None:
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    for name in os.environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known and not _OTHER_VARIABLES.match(name):
            near = nearest_name(name.removeprefix(PREFIX), Settings.model_fields)
            guess = f"Did you mean {PREFIX}{near.upper()}?" if near else f"There are: {', '.join(known)}."
            raise SettingsError(f"{name} in the environment sets nothing. {guess} Correct or unset it.")
