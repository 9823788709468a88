"""A prompt longer than the model reads: what is cut is told by us, and by nobody else in other words."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from reelops.cogvideox.conditioning import encode_prompts


def test_a_cut_prompt_is_told_without_a_warning_of_errors_to_come(
    repository: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(repository / "models/tiny-i2v/tokenizer")
    caplog.set_level(logging.WARNING)
    prompt = "a harbour at dusk " * 300 + "pan left"
    encoded = encode_prompts(tokenizer, lambda ids: (torch.zeros(*ids.shape, 4),), [prompt], 226, "cpu")
    assert "and the model reads 226" in encoded.notes[0] and "left out" in encoded.notes[0]
    said = caplog.text + "".join(capfd.readouterr())
    assert "indexing errors" not in said and "Token indices" not in said
