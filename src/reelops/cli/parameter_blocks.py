"""Every block of params.yaml and of the files beside it, held against what knows it: for `reelops doctor`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reelops.errors import ReelOpsError
from reelops.foreign import reason_of
from reelops.params import Config


def _profiles(config: Config) -> None:
    from reelops.cogvideox.profiles import load_profiles
    from reelops.generators.camera_moves import CameraMovesGenerator, CameraMovesProfile
    from reelops.generators.catalogue import Generators, kind_of

    generators = Generators(config)
    for name in config.names("profiles"):
        generators.of_kind(kind_of(name, config), name)
        if kind_of(name, config) == CameraMovesGenerator.kind:
            config.entry("profiles", name, CameraMovesProfile)
    load_profiles(config)


def _recipes(config: Config) -> None:
    from reelops.cogvideox.profiles import load_profiles
    from reelops.cogvideox.recipes.recipe import find_recipe, recipe_names

    for name in dict.fromkeys([*recipe_names(config), *(one.recipe for one in load_profiles(config).values())]):
        find_recipe(name, config)


def _detail(config: Config) -> None:
    from reelops.detail.settings import DetailSettings

    config.block("detail", DetailSettings)


def _score(config: Config) -> None:
    from reelops.metrics.settings import load_score_settings

    load_score_settings(config)


def _gate(config: Config) -> None:
    from reelops.gate.limits import load_gate_settings

    load_gate_settings(config)


def _dataset(config: Config) -> None:
    from reelops.dataset.params import DatasetParams

    config.block("dataset", DatasetParams)


def _metadata(config: Config) -> None:
    from reelops.dataset.metadata.params import load_metadata_params

    load_metadata_params(config)


def _latents(config: Config) -> None:
    from reelops.cogvideox.profiles import find_profile
    from reelops.training.params import LatentParams

    find_profile(config.block("latents", LatentParams).profile, config)


def _train(config: Config) -> None:
    from reelops.cogvideox.profiles import find_profile
    from reelops.training.params import TrainParams

    find_profile(config.block("train", TrainParams).profile, config)


def _validate(config: Config) -> None:
    from reelops.cogvideox.profiles import find_profile
    from reelops.validation.params import ValidateParams

    find_profile(config.block("validate", ValidateParams).profile, config)


def _benchmark(config: Config) -> None:
    from reelops.benchmark.params import load_benchmark_params

    load_benchmark_params(config)


def _pretrain(config: Config) -> None:
    from reelops.pretraining.params import PretrainParams

    config.block("pretrain", PretrainParams)


def _service(config: Config) -> None:
    from reelops.service.limits import load_limits

    load_limits(config)


CHECKS: Mapping[str, Callable[[Config], None]] = {
    "profiles": _profiles,
    "recipes": _recipes,
    "detail": _detail,
    "score": _score,
    "gate": _gate,
    "dataset": _dataset,
    "metadata": _metadata,
    "latents": _latents,
    "train": _train,
    "validate": _validate,
    "service": _service,
    "benchmark": _benchmark,
    "pretrain": _pretrain,
}
"""By block: raises where a value in it cannot be used."""


def problems_in(config: Config) -> list[str]:
    """What is wrong with each block, a sentence each; a stage says the same when it reads its own block."""
    problems = []
    for check in CHECKS.values():
        try:
            check(config)
        except ReelOpsError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{config.params_file}: {error.filename} cannot be looked for: {reason_of(error)}.")
        except ImportError:
            continue  # what is not installed is a finding of its own
    return list(dict.fromkeys(problems))
