"""LPIPS, DINO and CLIP metrics run from weights in a folder, against direct formulas; without weights they say so.

The networks are real ones with random weights: small enough to be made here, loaded the way trained ones are.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reelops.camera.moves import CameraMove
from reelops.errors import WeightsError
from reelops.metrics.learned.embedding import Embedder
from reelops.metrics.learned.feature_consistency import frame_consistency, picture_consistency
from reelops.metrics.learned.lpips import Lpips
from reelops.metrics.settings import ScoreSettings, Weights
from reelops.metrics.suite import score_frames

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

FAST = ScoreSettings(temporal_engine="dis", temporal_rows=160, temporal_scale=110.0)
EIGHT = Fraction(8)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="module")
def clip(filmed: Callable[..., np.ndarray]) -> np.ndarray:
    return filmed(CameraMove.PAN_LEFT, num_frames=5)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    dino = transformers.Dinov2Config(
        image_size=28, patch_size=14, hidden_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    transformers.Dinov2Model(dino).save_pretrained(folder / "dino")
    clip = transformers.CLIPConfig(
        text_config={**SMALL, "vocab_size": 50, "max_position_embeddings": 8},
        vision_config={**SMALL, "image_size": 32, "patch_size": 16},
        projection_dim=24,
    )
    transformers.CLIPModel(clip).save_pretrained(folder / "clip")
    return Weights(dino=str(folder / "dino"), clip=str(folder / "clip"), lpips=str(write_alexnet(folder)))


def write_alexnet(folder: Path) -> Path:
    from safetensors.torch import save_file

    sizes = [(3, 64, 11), (64, 192, 5), (192, 384, 3), (384, 256, 3), (256, 256, 3)]
    tensors = {}
    for index, (number, (before, after, side)) in enumerate(zip((0, 3, 6, 8, 10), sizes, strict=True)):
        tensors[f"features.{number}.weight"] = torch.randn(after, before, side, side) * (before * side * side) ** -0.5
        tensors[f"features.{number}.bias"] = torch.randn(after) * 0.1
        tensors[f"lin{index}.model.1.weight"] = torch.rand(1, after, 1, 1)
    save_file(tensors, folder / "lpips.safetensors")
    return folder / "lpips.safetensors"


def test_lpips_is_the_formula_over_torch_layers(clip: np.ndarray, weights: Weights) -> None:
    from safetensors.torch import load_file
    from torch import nn

    assert weights.lpips is not None
    tensors = load_file(weights.lpips)
    network = nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(),
    )  # fmt: skip
    state = {name.removeprefix("features."): value for name, value in tensors.items() if name.startswith("features.")}
    network.load_state_dict(state)

    def features(frame: np.ndarray) -> list[np.ndarray]:
        x = torch.from_numpy(frame.astype(np.float32) / 255 * 2 - 1).permute(2, 0, 1)[None]
        shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
        x = (x - shift[None, :, None, None]) / scale[None, :, None, None]
        found = []
        for number, layer in enumerate(network):
            x = layer(x)
            if number in (1, 4, 7, 9, 11):
                found.append(x[0].detach().numpy())
        return found

    expected = 0.0
    for index, (one, other) in enumerate(zip(features(clip[0]), features(clip[-1]), strict=True)):
        unit = [f / (np.linalg.norm(f, axis=0, keepdims=True) + 1e-10) for f in (one, other)]
        weight = tensors[f"lin{index}.model.1.weight"].numpy().reshape(-1, 1, 1)
        expected += ((unit[0] - unit[1]) ** 2 * weight).sum(axis=0).mean()
    metric = Lpips(Path(weights.lpips))
    assert metric.distance(clip[0], clip[-1]) == pytest.approx(expected, rel=1e-4)
    assert metric.distance(clip[0], clip[0]) == 0


def test_consistencies_are_vbench_formulas_over_the_networks_features(clip: np.ndarray, weights: Weights) -> None:
    picture = clip[2]
    scores = score_frames(
        clip, EIGHT, picture, None, FAST.model_copy(update={"weights": weights}),
        also=["subject_consistency", "background_consistency"],
    )  # fmt: skip
    for name, source in (("subject_consistency", weights.dino), ("background_consistency", weights.clip)):
        assert source is not None
        vectors = [Embedder(source).embed(frame).astype(np.float64) for frame in clip]
        cosines = [
            (max(0, vectors[t] @ vectors[t - 1]) + max(0, vectors[t] @ vectors[0])) / 2 for t in range(1, len(clip))
        ]
        assert scores[name] == pytest.approx(np.mean(cosines), abs=1e-6)
        assert source in scores.measures[name].how
        features = scores.features["dino" if name == "subject_consistency" else "clip"]
        assert features == pytest.approx(np.mean(vectors, axis=0), abs=1e-5)
    assert weights.dino is not None
    dino = Embedder(weights.dino)
    vectors = [dino.embed(frame).astype(np.float64) for frame in clip]
    near = [max(0, one @ other) for one, other in zip(vectors[1:], vectors, strict=False)]
    to_picture = [max(0, vector @ dino.embed(picture).astype(np.float64)) for vector in vectors]
    expected = 0.4 * max(to_picture) + 0.3 * np.mean(near) + 0.3 * min(near)
    assert scores["picture_consistency"] == pytest.approx(expected, abs=1e-6)


def test_dino_embedding_is_the_class_token_of_the_whole_frame(clip: np.ndarray, weights: Weights) -> None:
    import cv2

    assert weights.dino is not None
    model = transformers.AutoModel.from_pretrained(weights.dino)
    # The shorter side of 240x160 at 28, the longer one in whole patches of 14.
    pixels = cv2.resize(clip[0], (42, 28), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    pixels = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    with torch.no_grad():
        token = model(torch.from_numpy(pixels).permute(2, 0, 1)[None]).last_hidden_state[0, 0].numpy()
    np.testing.assert_allclose(Embedder(weights.dino).embed(clip[0]), token / np.linalg.norm(token), atol=1e-5)


def test_formulas_on_numbers_worked_out_by_hand() -> None:
    assert frame_consistency([1.0, 0.5], [1.0, 0.7]) == pytest.approx((0.75 + 0.85) / 2)
    assert picture_consistency([0.2, 0.9], [0.8, 0.6]) == pytest.approx(0.36 + 0.21 + 0.18)


def test_without_weights_a_metric_says_what_to_do_and_gives_no_number(clip: np.ndarray, tmp_path: Path) -> None:
    names = ["subject_consistency", "background_consistency", "lpips"]
    scores = score_frames(clip, EIGHT, clip[0], None, FAST, also=names)
    for name in names:
        assert scores[name] is None and (scores.measures[name].reason or "").startswith("not available: ")
    assert "score.weights.dino" in (scores.measures["subject_consistency"].reason or "")
    nowhere = FAST.model_copy(update={"weights": Weights(dino=str(tmp_path / "absent"))})
    reason = score_frames(clip, EIGHT, None, None, nowhere, also=names[:1]).measures[names[0]].reason or ""
    assert "absent cannot be loaded; give a folder that holds it" in reason


def test_other_weights_are_refused_by_name(weights: Weights, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"something": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"other\.safetensors has no tensor 'features\.0\.weight'"):
        Lpips(tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        Lpips(tmp_path / "absent.safetensors")
    bert = transformers.BertConfig(vocab_size=20, **SMALL)
    transformers.BertModel(bert).save_pretrained(tmp_path / "bert")
    with pytest.raises(WeightsError, match="a model of type bert"):
        Embedder(str(tmp_path / "bert"))


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("features.3.weight", lambda tensor: tensor[:, :32], r"features\.3\.weight has the shape \(192, 32, 5, 5\)"),
        ("features.6.bias", lambda tensor: tensor[:1], r"features\.6\.bias has the shape \(1,\)"),
        ("lin4.model.1.weight", lambda tensor: tensor.flatten(), r"lin4\.model\.1\.weight has the shape \(256,\)"),
        ("features.0.bias", lambda tensor: tensor * float("nan"), r"features\.0\.bias holds what is no finite number"),
    ],
)
def test_weights_of_another_network_are_refused_by_the_tensor_that_tells(weights, tmp_path, name, change, told):
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights.lpips)
    save_file(tensors | {name: change(tensors[name]).contiguous()}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=rf"other\.safetensors is of another network: its {told}"):
        Lpips(tmp_path / "other.safetensors")


def test_a_checkpoint_that_lacks_weights_is_refused_rather_than_filled_with_random_ones(
    weights: Weights, tmp_path: Path
) -> None:
    import json
    import shutil

    from safetensors.torch import load_file, save_file

    assert weights.dino is not None
    folder = shutil.copytree(weights.dino, tmp_path / "dino")
    tensors = load_file(folder / "model.safetensors")
    del tensors["layernorm.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert json.loads((folder / "config.json").read_text())["model_type"] == "dinov2"
    with pytest.raises(WeightsError, match=r"dino lacks weights such as layernorm\.weight"):
        Embedder(str(folder))


def test_clip_embedding_is_the_projected_one_of_the_square_in_the_middle(clip: np.ndarray, weights: Weights) -> None:
    import cv2

    assert weights.clip is not None
    model = transformers.CLIPModel.from_pretrained(weights.clip).eval()
    small = cv2.resize(clip[0], (48, 32), interpolation=cv2.INTER_AREA)[:, 8:40].astype(np.float32) / 255
    mean, spread = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    pixels = torch.from_numpy((small - np.float32(mean)) / np.float32(spread)).permute(2, 0, 1)[None]
    with torch.no_grad():
        vector = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)[0].numpy()
    assert vector.shape == (24,)
    np.testing.assert_allclose(Embedder(weights.clip).embed(clip[0]), vector / np.linalg.norm(vector), atol=1e-5)
