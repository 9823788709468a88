"""Libraries that were imported in less time are the same libraries."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib.metadata, sys
from reelops.cogvideox.imports import importing_models
read = importlib.metadata.packages_distributions
with importing_models():
    from diffusers import CogVideoXImageToVideoPipeline
assert importlib.metadata.packages_distributions is read
assert "scipy.stats._stats_py" not in sys.modules, "loaded before anybody asked"
import scipy
assert round(scipy.stats.norm.cdf(1.96), 3) == 0.975
from scipy.stats import beta
assert round(beta.ppf(0.5, 0.6, 0.6), 6) == 0.5
from diffusers import DDIMScheduler, EulerDiscreteScheduler
EulerDiscreteScheduler(use_beta_sigmas=True).set_timesteps(4)
"""


def test_what_is_loaded_when_used_works_when_it_is_used():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
