"""Generators by kind: a profile says in `kind` which of them makes its clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reelops.clip import ClipOrder
from reelops.errors import SettingsError, did_you_mean
from reelops.generators.contract import Generator
from reelops.params import Config

DEFAULT_KIND = "cogvideox"


def _cogvideox(config: Config) -> Generator:
    from reelops.generators.cogvideox import CogVideoXGenerator

    return CogVideoXGenerator(config)


def _camera_moves(config: Config) -> Generator:
    from reelops.generators.camera_moves import CameraMovesGenerator

    return CameraMovesGenerator(config)


# A generator's module is imported when a profile of its kind is asked for. A new kind is one line here.
KINDS: Mapping[str, Callable[[Config], Generator]] = {
    "cogvideox": _cogvideox,
    "camera_moves": _camera_moves,
}


class Generators:
    """The generators of a run, each opened when an order first asks for it.

    Args:
        config: where profiles are.
        kinds: further or other generators than the catalogue's, by kind.
    """

    def __init__(self, config: Config, kinds: Mapping[str, Callable[[Config], Generator]] = KINDS) -> None:
        self._config = config
        self._kinds = kinds
        self._opened: dict[str, Generator] = {}

    def of(self, order: ClipOrder) -> Generator:
        """The generator of an order's profile.

        Raises:
            SettingsError: its profile is of a kind that nobody knows.
        """
        return self.of_kind(kind_of(order.profile, self._config), order.profile)

    def of_kind(self, kind: str, profile: str) -> Generator:
        """The generator of a kind, which a profile has.

        Raises:
            SettingsError: nobody knows the kind.
        """
        if kind not in self._kinds:
            raise SettingsError(
                f"{self._config.params_file}: profiles.{profile}.kind is {kind!r}, and no generator is of that "
                f"kind.{did_you_mean(kind, self._kinds)} There are {', '.join(self._kinds)}."
            )
        if kind not in self._opened:
            self._opened[kind] = self._kinds[kind](self._config)
        return self._opened[kind]


def kind_of(profile: str, config: Config) -> str:
    """The kind of a profile of params.yaml; a folder, and what is no profile, is left to CogVideoX."""
    profiles: Any = config.content.get("profiles")
    block = profiles.get(profile) if isinstance(profiles, Mapping) else None
    return str(block.get("kind", DEFAULT_KIND)) if isinstance(block, Mapping) else DEFAULT_KIND
