"""The embedded model's tokenizer and T5 encoder.

The encoder learns, in a few minutes, to hold in every one of its output vectors which camera move and speed a prompt
asks for, and which words it contains; the transformer then trains on embeddings that already mean something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reelops.camera.moves import CameraMove, CameraSpeed
from reelops.camera.words import UNNAMED_MOVE
from reelops.pretraining.captions import caption
from reelops.progress import QUIET, Progress, RunContext

MOVES = tuple(CameraMove)
SPEEDS = tuple(CameraSpeed)


@dataclass(frozen=True)
class TextConfig:
    """Shape and training of the text encoder."""

    vocabulary: int = 1200
    width: int = 96
    layers: int = 2
    heads: int = 4
    length: int = 226
    steps: int = 1500
    batch: int = 64
    trained_length: int = 48
    lr: float = 1e-3
    seed: int = 0


@dataclass(frozen=True)
class CaptionBatch:
    texts: list[str]
    moves: Tensor
    speeds: Tensor


def draw_captions(count: int, rng: np.random.Generator) -> CaptionBatch:
    """Captions with the move and speed they ask for; one in eight names none."""
    texts, moves, speeds = [], [], []
    for _ in range(count):
        if rng.random() < 0.125:
            move, speed = UNNAMED_MOVE
            texts.append(caption(None, speed, rng))
        else:
            move, speed = MOVES[rng.integers(len(MOVES))], SPEEDS[rng.choice(3, p=(0.3, 0.5, 0.2))]
            texts.append(caption(move, speed, rng))
            speed = CameraSpeed.NORMAL if move is CameraMove.STATIC else speed
        moves.append(MOVES.index(move))
        speeds.append(SPEEDS.index(speed))
    return CaptionBatch(texts, torch.tensor(moves), torch.tensor(speeds))


def train_tokenizer(config: TextConfig) -> Any:
    """A unigram T5 tokenizer over the captions' words and every printable character."""
    from tokenizers import SentencePieceUnigramTokenizer
    from transformers import T5Tokenizer

    rng = np.random.default_rng((config.seed, 1))
    corpus = draw_captions(6000, rng).texts
    alphabet = [chr(code) for code in range(33, 127)] + list("▁äöüßéèàçñ–—’“”…")
    trainer = SentencePieceUnigramTokenizer()
    trainer.train_from_iterator(
        corpus + [text.lower() for text in corpus],
        vocab_size=config.vocabulary - 3,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=alphabet,
        unk_token="<unk>",  # noqa: S106 (a token of text, no password)
    )
    learned = [(piece, score) for piece, score in _pieces(trainer) if piece not in ("<pad>", "</s>", "<unk>")]
    known = {piece for piece, _ in learned}
    worst = min(score for _, score in learned)
    learned += [(character, worst - 1.0) for character in alphabet if character not in known]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *learned]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=config.length)


def _pieces(trainer: Any) -> list[tuple[str, float]]:
    import json

    return [(piece, float(score)) for piece, score in json.loads(trainer.to_str())["model"]["vocab"]]


def build_text_encoder(config: TextConfig, vocabulary: int) -> Any:
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(config.seed)
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=config.width,
            d_kv=config.width // config.heads,
            d_ff=config.width * 3,
            num_layers=config.layers,
            num_heads=config.heads,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            is_encoder_decoder=False,
            use_cache=False,
            tie_word_embeddings=False,
        )
    )


def token_ids(tokenizer: Any, texts: list[str], length: int) -> Tensor:
    """(B, length) ids, padded and truncated as the diffusers pipeline does it."""
    batch = tokenizer(
        texts, padding="max_length", max_length=length, truncation=True, add_special_tokens=True, return_tensors="pt"
    )
    ids: Tensor = batch.input_ids
    return ids


def train_text_encoder(
    tokenizer: Any, encoder: Any, config: TextConfig, context: RunContext = QUIET
) -> dict[str, float]:
    """Teaches move, speed and words; returns accuracies on captions drawn afterwards."""
    vocabulary = encoder.config.vocab_size
    heads = nn.ModuleDict(
        {
            "move": nn.Linear(config.width, len(MOVES)),
            "speed": nn.Linear(config.width, len(SPEEDS)),
            "words": nn.Linear(config.width, vocabulary),
        }
    )
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=config.lr, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.lr, total_steps=config.steps, pct_start=0.1)
    rng = np.random.default_rng((config.seed, 2))
    for step in range(config.steps):
        context.raise_if_stopped("Stopped as asked; the text encoder's few minutes start over.")
        batch = draw_captions(config.batch, rng)
        # Trained mostly short for speed, now and then at the full length that the pipeline pads to.
        length = config.length if step % 10 == 0 else config.trained_length
        loss = _text_loss(encoder, heads, token_ids(tokenizer, batch.texts, length), batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if (step + 1) % 50 == 0:
            context.progress("text", step + 1, config.steps, "steps", loss=round(loss.item(), 4))
    accuracies = _text_accuracy(tokenizer, encoder, heads, config, np.random.default_rng((config.seed, 3)))
    context.on_event(Progress("text", config.steps, config.steps, "steps", figures=accuracies))
    return accuracies


def _text_loss(encoder: Any, heads: nn.ModuleDict, ids: Tensor, batch: CaptionBatch) -> Tensor:
    hidden = encoder(ids).last_hidden_state
    every = hidden.shape[1]
    cross_entropy = nn.functional.cross_entropy
    move: Tensor = cross_entropy(heads["move"](hidden).flatten(0, 1), batch.moves.repeat_interleave(every))
    speed = cross_entropy(heads["speed"](hidden).flatten(0, 1), batch.speeds.repeat_interleave(every))
    present = torch.zeros(len(ids), int(encoder.config.vocab_size)).scatter_(1, ids, 1.0)
    words = nn.functional.binary_cross_entropy_with_logits(heads["words"](hidden.mean(1)), present)
    spread = (hidden.square().mean() - 1).square()
    total: Tensor = move + speed + 20.0 * words + 0.1 * spread
    return total


@torch.no_grad()
def _text_accuracy(
    tokenizer: Any, encoder: Any, heads: nn.ModuleDict, config: TextConfig, rng: np.random.Generator
) -> dict[str, float]:
    batch = draw_captions(256, rng)
    hidden = encoder(token_ids(tokenizer, batch.texts, config.length)).last_hidden_state
    return {
        "move_accuracy": (heads["move"](hidden.mean(1)).argmax(-1) == batch.moves).float().mean().item(),
        "speed_accuracy": (heads["speed"](hidden.mean(1)).argmax(-1) == batch.speeds).float().mean().item(),
    }
