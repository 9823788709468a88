"""Libraries that were imported in less time are the same libraries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# What is loaded in less time is loaded once, and each claim is tried in a copy of that process.
LOADED = """
import importlib.metadata, os, sys
from reelops.cogvideox.imports import compiler_unused, importing_models
read = importlib.metadata.packages_distributions
with importing_models():
    from diffusers import CogVideoXImageToVideoPipeline
    from diffusers.utils.torch_utils import is_compiled_module
import torch
for number, claim in enumerate({claims}):
    if not os.fork():
        exec(claim)
        print("holds", number, flush=True)
        os._exit(0)
    os.wait()
"""

USED = """
assert importlib.metadata.packages_distributions is read
assert "scipy.stats._stats_py" not in sys.modules, "loaded before anybody asked"
import scipy
assert round(scipy.stats.norm.cdf(1.96), 3) == 0.975
from scipy.stats import beta
assert round(beta.ppf(0.5, 0.6, 0.6), 6) == 0.5
from diffusers import DDIMScheduler, EulerDiscreteScheduler
EulerDiscreteScheduler(use_beta_sigmas=True).set_timesteps(4)
"""

COMPILER = """
with compiler_unused():
    assert not is_compiled_module(torch.nn.Linear(2, 2))
assert "torch._dynamo.eval_frame" not in sys.modules, "loaded before anybody compiled"
{first}
compiled = torch.compile(torch.nn.Linear(2, 2), backend="eager")
assert compiled(torch.ones(1, 2)).shape == (1, 2) and is_compiled_module(compiled)
assert torch._dynamo.disable.__module__.startswith("torch._dynamo")
assert torch._dynamo._trace_wrapped_higher_order_op.TransformGetItemToIndex
"""
FIRST = ("", "from torch._dynamo.backends.registry import lookup_backend")

SELDOM_ASKED = """
from diffusers.loaders import lora_base
from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler
from transformers.distributed.utils import is_dtensor
from transformers.loss import loss_for_object_detection
with compiler_unused():
    assert not is_dtensor(torch.ones(1))
    assert not isinstance(torch.nn.Linear(2, 2), lora_base.BaseTunerLayer)
early = {"sympy", "torch.distributed.tensor._api", "scipy.optimize._optimize", "peft.tuners.lora"} & set(sys.modules)
assert not early, f"loaded before anybody used them: {early}"
"""
USES = {
    "a class of adapters": """
from peft import LoraConfig
from peft.tuners.lora import Linear
layer = Linear(torch.nn.Linear(2, 2), "default", LoraConfig(), r=1)
assert isinstance(layer, lora_base.BaseTunerLayer) and issubclass(Linear, lora_base.BaseTunerLayer)
""",
    "a tensor in pieces": """
from torch.distributed.tensor import DTensor, Shard
assert isinstance(DTensor, type) and Shard(0).dim == 0 and not is_dtensor(torch.ones(1))
from transformers.distributed import sharding_utils
assert sharding_utils.Shard(1) == Shard(1)
""",
    "a function": """
import numpy as np
rows, columns = loss_for_object_detection.linear_sum_assignment(np.array([[4, 1], [2, 9]]))
assert columns.tolist() == [1, 0]
""",
    "a module within": """
scheduler = LMSDiscreteScheduler()
scheduler.set_timesteps(4)
assert abs(scheduler.get_lms_coefficient(1, 0, 0)) > 0
""",
    "within a block": """
with compiler_unused():
    from peft import LoraConfig
    assert LoraConfig(r=3).r == 3
    class Own(lora_base.BaseTunerLayer):
        pass
assert issubclass(Own, lora_base.BaseTunerLayer)
""",
}
CLAIMS = [USED, *(COMPILER.format(first=first) for first in FIRST), *(SELDOM_ASKED + use for use in USES.values())]


@pytest.fixture(scope="module")
def tried() -> subprocess.CompletedProcess[str]:
    """What the copies said, which have no GPU."""
    program = LOADED.format(claims=CLAIMS)
    no_gpu = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run([sys.executable, "-c", program], env=no_gpu, capture_output=True, text=True)


def test_what_is_loaded_when_used_works_when_it_is_used(tried):
    assert "holds 0\n" in tried.stdout, tried.stderr


@pytest.mark.parametrize("claim", [1, 2], ids=["", FIRST[1]])
def test_without_a_gpu_the_compiler_is_loaded_by_the_first_to_compile_and_whole(tried, claim):
    """Also where the first to ask wants a module within it."""
    assert f"holds {claim}\n" in tried.stdout, tried.stderr


@pytest.mark.parametrize("claim", range(3, len(CLAIMS)), ids=USES)
def test_what_is_seldom_asked_for_is_loaded_by_its_first_use_and_whole(tried, claim):
    assert f"holds {claim}\n" in tried.stdout, tried.stderr


def test_weights_without_memory_are_not_drawn_and_others_as_ever():
    import torch

    from reelops.cogvideox.imports import nothing_drawn_without_memory

    draw = torch.nn.init._no_grad_normal_
    with nothing_drawn_without_memory():
        assert torch.nn.Embedding(3, 2, device="meta").weight.is_meta
        drawn = torch.nn.init.normal_(torch.zeros(4), generator=torch.Generator().manual_seed(1))
    assert torch.nn.init._no_grad_normal_ is draw
    assert torch.equal(drawn, torch.empty(4).normal_(generator=torch.Generator().manual_seed(1)))
