"""What a validation came to, as whoever hands the adapter on reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelops.foreign import NO_JSON, refuse_machine_fault
from reelops.params import Config

FOLDER = Path("reports/validate")
VERDICT = "verdict.json"


@dataclass(frozen=True)
class AdapterVerdict:
    """The verdict on an adapter.

    Attributes:
        checks: each in a sentence, by name; `failed` names those that were not passed.
    """

    passed: bool
    failed: Sequence[str]
    checks: Mapping[str, str]

    @property
    def tags(self) -> dict[str, str]:
        """What an adapter's run and its version in the registry are found by."""
        return {"validation": "passed" if self.passed else "failed", "validation.failed": ", ".join(self.failed)}

    @property
    def words(self) -> str:
        if self.passed:
            return f"Validation: all {len(self.checks)} checks passed."
        return f"Validation: {len(self.failed)} of {len(self.checks)} checks not passed ({', '.join(self.failed)})."


def read_verdict(adapter_sha256: str, config: Config) -> AdapterVerdict | None:
    """The verdict that the stage `validate` left on exactly this adapter; None where it left none."""
    try:
        content = json.loads((config.root / FOLDER / VERDICT).read_text(encoding="utf-8"))
        if content["adapter_sha256"] != adapter_sha256:
            return None
        checks = {check["name"]: check["text"] for check in content["checks"]}
        return AdapterVerdict(content["passed"], tuple(content["failed"]), checks)
    except (OSError, TypeError, KeyError, *NO_JSON) as error:
        refuse_machine_fault(config.root / FOLDER / VERDICT, error)
        return None
