"""Where stores and servers are. Everything can be set with an environment variable `REELOPS_<NAME>`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from reelops.errors import SettingsError

PARAMS_NAME = "params.yaml"


def _names_profiles(path: Path) -> bool:
    """Whether this params.yaml is one of ReelOps: other DVC projects have a file of that name too."""
    try:
        return any(line.startswith("profiles:") for line in path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return False


def find_params_file(start: Path | None = None) -> Path:
    """The params.yaml that counts: upwards from `start` (the working folder), else that of this package's checkout."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if _names_profiles(folder / PARAMS_NAME):
            return folder / PARAMS_NAME
    return Path(__file__).resolve().parents[2] / PARAMS_NAME


class Settings(BaseSettings):
    """One home folder with every store in it, and the servers, where there are any.

    Attributes:
        params_file: params.yaml; its folder is the project's root, which relative paths count from.
        home: the folder of all stores.
        mlflow_tracking_uri: SQLite in `home` by default; `MLFLOW_TRACKING_URI` counts too.
        prefect_api_url: None runs flows without a server; `PREFECT_API_URL` counts too.
    """

    model_config = SettingsConfigDict(
        env_prefix="REELOPS_", extra="ignore", frozen=True, validate_default=True, populate_by_name=True
    )

    params_file: Path = Field(default_factory=find_params_file)
    home: Path = Path(".reelops")
    mlflow_tracking_uri: str = Field(
        default="",
        validation_alias=AliasChoices("REELOPS_MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI"),
    )
    prefect_api_url: str | None = Field(
        default=None, validation_alias=AliasChoices("REELOPS_PREFECT_API_URL", "PREFECT_API_URL")
    )

    @field_validator("params_file", mode="after")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().resolve()

    @field_validator("home", mode="after")
    @classmethod
    def _under_root(cls, path: Path, info: Any) -> Path:
        params_file: Path = info.data.get("params_file", find_params_file())
        return (params_file.parent / path.expanduser()).resolve()

    @field_validator("mlflow_tracking_uri", mode="after")
    @classmethod
    def _default_store(cls, uri: str, info: Any) -> str:
        return uri or f"sqlite:///{info.data.get('home', Path()) / 'mlflow.db'}"

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.params_file.parent

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
        SettingsError: a value cannot be used.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "REELOPS_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name} is {first.get('input')!r}: {first['msg']}. Correct or unset it.") from error
