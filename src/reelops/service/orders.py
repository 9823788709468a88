"""What a request may say of an order: the fields of `ClipOrder`, without any path.

A profile and an adapter are chosen by the names that this service has for them; a picture is an upload.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from reelops.clip import ClipOrder, order_of
from reelops.errors import InputError, SettingsError, did_you_mean
from reelops.params import Config
from reelops.service.limits import ServiceLimits

Mode = Literal["optimized", "baseline"]
NOT_ASKED = ("picture", "more_adapters", "other_base")
"""Fields of an order that name paths, or that only whoever runs the service should decide."""
FIELDS = {name: field for name, field in ClipOrder.model_fields.items() if name not in NOT_ASKED}
_ADAPTERS = Path("models/adapters")


def asked_fields() -> dict[str, Any]:
    """Pairs of type and field by name, as a request has them: a profile and an adapter by their names."""
    made: dict[str, Any] = {name: (field.annotation, field) for name, field in FIELDS.items()}
    made["adapter"] = (str | None, Field(default=None, max_length=200, description="An adapter, by its name."))
    made["profile"] = (str | None, Field(default=None, max_length=200, description="A profile of params.yaml."))
    return made


class Orders:
    """Makes orders of what requests say.

    Args:
        config: where profiles and adapters are.
        limits: what a clip may be at most.
    """

    def __init__(self, config: Config, limits: ServiceLimits) -> None:
        self._config, self._limits = config, limits

    def order(self, picture: Path, fields: Mapping[str, Any], mode: Mode | None = None) -> ClipOrder:
        """An order.

        Args:
            fields: of `FIELDS`; what is None is left to the profile.
            mode: another word for the recipe of that name.

        Raises:
            InputError: there is no such field, profile or adapter, or a value cannot be used.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        if unknown := next((name for name in given if name not in FIELDS), None):
            raise InputError(f"{unknown!r} is no field of a request.{did_you_mean(unknown, FIELDS)}")
        for name in ("prompt", "negative_prompt"):
            if "\0" in str(given.get(name, "")):
                raise InputError(f"{name} has a NUL character in it, which no sentence has; leave it out.")
        if mode is not None and given.setdefault("recipe", mode) != mode:
            raise InputError(
                f"mode is {mode}, and recipe is {given['recipe']}; they say the same, so give one of both."
            )
        self.require_profile(given.get("profile"))
        if (adapter := given.get("adapter")) is not None:
            given["adapter"] = self._adapter(str(adapter))
        order = order_of(picture=picture, **given)
        if order.seconds is not None and order.seconds > self._limits.most_seconds:
            raise InputError(
                f"seconds is {order.seconds:g}, and here clips have at most {self._limits.most_seconds:g} seconds."
            )
        return order

    def profiles(self) -> list[str]:
        """Names of profiles."""
        return self._config.names("profiles")

    def recipes(self) -> list[str]:
        """Names of recipes."""
        return self._config.names("recipes")

    def adapters(self) -> dict[str, Path]:
        """Adapters by name: those published into models/adapters."""
        folder = self._config.root / _ADAPTERS
        if not folder.is_dir():
            return {}
        return {
            path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and any(path.glob("*.safetensors"))
        }

    def require_profile(self, name: Any) -> None:
        """Fails where there is no profile of that name; None is the default.

        Raises:
            SettingsError
        """
        if name is not None and name not in self.profiles():
            guess = did_you_mean(str(name), self.profiles()) or f" There are: {', '.join(self.profiles())}."
            raise SettingsError(f"There is no profile {str(name)[:80]!r}.{guess}")

    def _adapter(self, name: str) -> Path:
        there = self.adapters()
        if name not in there:
            guess = did_you_mean(name, there) or f" There are: {', '.join(there) or 'none'}."
            raise InputError(f"There is no adapter {name[:80]!r}.{guess}")
        return there[name]
