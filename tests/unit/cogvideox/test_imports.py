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
CLAIMS = [USED, *(COMPILER.format(first=first) for first in FIRST)]


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
