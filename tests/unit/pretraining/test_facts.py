"""What stands beside a model is read as what it is, or refused in one line before anything is measured or trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scarcity import no_more_open_files

from reelops.errors import MachineError, WeightsError
from reelops.params import load_config
from reelops.pretraining.facts import read_facts, read_figures
from reelops.pretraining.params import PretrainParams
from reelops.pretraining.plan import plan_pretraining

FACTS = {"seconds": {"vae": 60}, "sources": ["2 photographs"], "parameters": {"vae": 100}}
ODD_JSON = ["", "{", "[]", "null", "\udce9", '{"a":' * 5000]


def test_facts_are_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(json.dumps(FACTS))
    assert read_facts(tmp_path) == FACTS


@pytest.mark.parametrize("text", [*ODD_JSON, *(json.dumps({**FACTS, name: "much"}) for name in FACTS)])
def test_facts_that_are_none_are_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(text, errors="surrogateescape")
    with pytest.raises(WeightsError, match=r"training\.json is damaged: .*bring it again"):
        read_facts(tmp_path)


def test_figures_that_lack_one_do_not_count(tmp_path: Path) -> None:
    path, names = tmp_path / "metrics.json", ("vae_psnr", "content_kept")
    assert read_figures(path, names) is None
    for text in (*ODD_JSON, '{"vae_psnr": 1.0}', '{"vae_psnr": 1.0, "content_kept": null}'):
        path.write_text(text, errors="surrogateescape")
        assert read_figures(path, names) is None
    path.write_text('{"vae_psnr": 1.0, "content_kept": 2}')
    assert read_figures(path, names) == {"vae_psnr": 1.0, "content_kept": 2}
    with no_more_open_files(), pytest.raises(MachineError, match="Nothing is known of the file"):
        read_figures(path, names)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda model: (model / "training.json").unlink(), r"There is no .*training\.json"),
        (lambda model: (model / "model_index.json").unlink(), r"model_index\.json"),
        (lambda model: (model / "transformer/config.json").write_text("{"), r"transformer/config\.json"),
    ],
)
def test_a_model_to_start_from_that_is_not_whole_is_refused_before_hours_of_training(
    spoil: Callable[[Path], Any], told: str, small_model: Path, tmp_path: Path, repository: Path
) -> None:
    model = tmp_path / "model"
    for path in [*small_model.rglob("*.json")]:
        copy = model / path.relative_to(small_model)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (model / "training.json").write_text(json.dumps(FACTS))
    config = load_config(params_file=repository / "params.yaml")
    params = config.block("pretrain", PretrainParams)
    assert plan_pretraining(params, config, tmp_path / "work", start_from=model).start_from == model
    spoil(model)
    with pytest.raises(WeightsError, match=told):
        plan_pretraining(params, config, tmp_path / "work", start_from=model)
