"""What a validation finds: who shows the style, who does as asked, what the gate says, and which limits hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reelops.gate.bound import Bound
from reelops.gate.decision import Decision
from reelops.scoring.comparison.paired import Comparison, Pair, compare_pairs
from reelops.scoring.scored_clip import ScoredClip
from reelops.validation.params import Limits, Style, ValidateParams
from reelops.validation.reload import ReloadResult
from reelops.validation.trials import Trial

Side = Literal["base", "adapter"]
SIDES: tuple[Side, ...] = ("base", "adapter")
STYLE = "style"
OTHERS = "others"
_ROUNDING = 1e-9  # shares such as 0.15 are no exact binary numbers


@dataclass(frozen=True)
class TrialResult:
    """A trial with both of its clips, scored and judged."""

    trial: Trial
    base: ScoredClip
    adapter: ScoredClip

    def of(self, side: Side) -> ScoredClip:
        return self.base if side == "base" else self.adapter

    def does_as_asked(self, side: Side) -> bool:
        """Whether the camera was measured to do what the prompt asks for; what could not be measured does not count."""
        scores = self.of(side).scores
        return scores is not None and self.trial.asked is not None and scores.measured_move is self.trial.asked


@dataclass(frozen=True)
class Count:
    """`hits` of `total` clips."""

    hits: int
    total: int

    @classmethod
    def of(cls, answers: Iterable[bool]) -> Count:
        known = list(answers)
        return cls(sum(known), len(known))

    @property
    def share(self) -> float | None:
        return self.hits / self.total if self.total else None

    def __str__(self) -> str:
        return f"{self.hits} of {self.total}"


@dataclass(frozen=True)
class Check:
    """A figure and the bound that it has to keep to.

    Attributes:
        name: of the limit in params.yaml.
        title: what is measured, for people.
        value: None where it could not be measured, which does not pass.
        found, wanted: value and bound for people.
    """

    name: str
    title: str
    value: float | None
    bound: Bound
    found: str
    wanted: str

    @property
    def passed(self) -> bool:
        return self.bound.holds(self.value)

    def __str__(self) -> str:
        return f"{self.title}: {self.found}; {self.wanted} is wanted."

    def to_json(self) -> dict[str, Any]:
        facts = {"name": self.name, "passed": self.passed, "value": self.value, "wanted": self.bound.side}
        return facts | {"limit": self.bound.limit, "text": str(self)}


@dataclass(frozen=True)
class Findings:
    """Everything that was found.

    Attributes:
        style: as in params.yaml.
        comparisons: adapter minus base in pairs: `style` where prompts ask for it, `others` where they do not.
        checks: in the order in which people should read them.
    """

    results: tuple[TrialResult, ...]
    style: Style | None
    reloaded: ReloadResult
    comparisons: Mapping[str, Comparison]
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        return not self.failed

    def shows_style(self, clip: ScoredClip) -> bool:
        return shows(self.style, clip)

    def style_count(self, side: Side, called: bool) -> Count:
        """Clips that show the style, of those whose prompt asks for it, or does not."""
        return _style_count(self.style, self.results, side, called)

    def adherence(self, side: Side) -> Count:
        return _adherence(self.results, side)

    def rejections(self, side: Side, called: bool) -> Count:
        return _rejections(self.results, side, called)

    @property
    def unmeasured(self) -> int:
        """Clips of which a metric of the trait could not be measured; they count as not showing it."""
        if self.style is None:
            return 0
        names = [limit.metric for limit in self.style.trait]
        clips = [one.of(side) for one in self.results for side in SIDES]
        return sum(any(clip.scores is None or clip.scores.get(name) is None for name in names) for clip in clips)


def find(params: ValidateParams, results: Sequence[TrialResult], reloaded: ReloadResult) -> Findings:
    """Compares, counts and checks."""
    groups = {STYLE: [one for one in results if one.trial.group == STYLE]}
    groups[OTHERS] = [one for one in results if one.trial.group != STYLE]
    comparisons = {
        name: compare_pairs([Pair(one.trial.name, one.adapter, one.base) for one in some])
        for name, some in groups.items()
        if some
    }
    checks = tuple(_checks(params, results, reloaded))
    return Findings(tuple(results), params.style, reloaded, comparisons, checks)


def shows(style: Style | None, clip: ScoredClip) -> bool:
    """Whether every limit of the style's trait holds in a clip."""
    if style is None or clip.scores is None:
        return False
    return all(limit.holds(clip.scores.get(limit.metric)) for limit in style.trait)


def moves_matrix(results: Sequence[TrialResult], side: Side) -> Mapping[tuple[str, str], int]:
    """How many clips were asked for which move and measured to do which; `not measured` is one of them."""
    return Counter(
        (one.trial.asked.value, _measured(one.of(side)))
        for one in results
        if one.trial.group == "moves" and one.trial.asked
    )


def _measured(clip: ScoredClip) -> str:
    move = clip.scores.measured_move if clip.scores else None
    return move.value if move else "not measured"


def _style_count(style: Style | None, results: Sequence[TrialResult], side: Side, called: bool) -> Count:
    return Count.of(shows(style, one.of(side)) for one in results if (one.trial.group == STYLE) is called)


def _adherence(results: Sequence[TrialResult], side: Side) -> Count:
    return Count.of(one.does_as_asked(side) for one in results if one.trial.group == "moves")


def _rejections(results: Sequence[TrialResult], side: Side, called: bool) -> Count:
    rejected = (one.of(side).answer == Decision.REJECT.value for one in results if (one.trial.group == STYLE) is called)
    return Count.of(rejected)


def _checks(params: ValidateParams, results: Sequence[TrialResult], reloaded: ReloadResult) -> Iterator[Check]:
    limits, style = params.limits, params.style
    if style is not None:
        yield from _style_checks(style, limits, results)
    if limits.max_adherence_loss is not None and params.moves is not None:
        base, adapter = (_adherence(results, side) for side in SIDES)
        title = "Camera moves that are followed"
        yield _change("max_adherence_loss", title, base, adapter, _rise(adapter, base), limits.max_adherence_loss)
    if limits.max_added_rejections is not None and (params.moves or params.prompts):
        base, adapter = (_rejections(results, side, called=False) for side in SIDES)
        title = "Clips that the gate rejects" + (f" where prompts do not say “{style.phrase}”" if style else "")
        yield _change("max_added_rejections", title, base, adapter, _rise(base, adapter), limits.max_added_rejections)
    if limits.min_change is not None:
        bound, found = _at_least(limits.min_change), f"{reloaded.change:.3g} grey levels on average"
        title = "What the adapter changes in a clip"
        yield Check("min_change", title, reloaded.change, bound, found, bound.words())
    if limits.max_reload_difference is not None:
        yield _reload_check(reloaded, limits.max_reload_difference)


def _style_checks(style: Style, limits: Limits, results: Sequence[TrialResult]) -> Iterator[Check]:
    called, uncalled = f"where prompts say “{style.phrase}”", f"where prompts do not say “{style.phrase}”"
    adapter, base = f"Clips with the adapter that show {style.name}", f"Clips of the base that show {style.name}"
    in_adapter = _style_count(style, results, "adapter", called=True)
    in_base = _style_count(style, results, "base", called=True)
    elsewhere = _style_count(style, results, "adapter", called=False)
    if limits.min_style_in_adapter is not None:
        yield _share("min_style_in_adapter", f"{adapter} {called}", in_adapter, _at_least(limits.min_style_in_adapter))
    if limits.max_style_in_base is not None:
        yield _share("max_style_in_base", f"{base} {called}", in_base, _at_most(limits.max_style_in_base))
    if limits.max_style_uncalled is not None and elsewhere.total:
        yield _share("max_style_uncalled", f"{adapter} {uncalled}", elsewhere, _at_most(limits.max_style_uncalled))


def _at_least(limit: float) -> Bound:
    return Bound.at_least(limit, _ROUNDING)


def _at_most(limit: float) -> Bound:
    return Bound.at_most(limit, _ROUNDING)


def _share(name: str, title: str, count: Count, bound: Bound) -> Check:
    return Check(name, title, count.share, bound, _counted(count), f"{bound.side} {bound.limit:.0%}")


def _change(name: str, title: str, base: Count, adapter: Count, change: float | None, limit: float) -> Check:
    """How far a share has changed for the worse."""
    found = f"{_counted(adapter)} with the adapter, {_counted(base)} of the base"
    return Check(name, title, change, _at_most(limit), found, f"at most {100 * limit:g} points worse than the base")


def _rise(first: Count, second: Count) -> float | None:
    return None if first.share is None or second.share is None else second.share - first.share


def _reload_check(reloaded: ReloadResult, limit: float) -> Check:
    title = "What plain diffusers makes of the published file, against ours"
    value = None if reloaded.problems else reloaded.share
    found = "; ".join(reloaded.problems) or reloaded.words
    wanted = f"a difference of at most {limit:.0%} of what the adapter changes"
    return Check("max_reload_difference", title, value, _at_most(limit), found, wanted)


def _counted(count: Count) -> str:
    return f"{count} ({count.share:.0%})" if count.share is not None else "none was tried"
