"""The kinds of oddness that a clip's numbers speak of, and their words for people."""

from __future__ import annotations

from functools import cache

# By kind: what its numbers' names begin with, and its words. The first kind that fits counts.
_KINDS = {
    "spikes": (("res_spike", "res_step", "res_jitter", "chr_spike"), "something there follows no motion around it"),
    "parted": (("res_seam", "act_seam"), "a straight seam between parts that move differently"),
    "unexplained": (("res_", "expl", "resid", "conf_"), "frames follow less from each other than in filmed clips"),
    "still parts": (("dead_", "act_grad"), "a part stands still, or nearly, beside parts that move"),
    "ghosts": (("ghost_",), "earlier frames shine through"),
    "light": (("sgn_", "g_Y", "ref_Y", "g_white", "g_black"), "the light changes on its own"),
    "colour": (("chr_", "g_cr", "g_cb", "g_chr", "ref_cr", "ref_cb", "ref_chr"), "colours change on their own"),
    "contrast": (("ref_con", "g_con"), "contrast changes on the way"),
    "detail": (("ref_det", "g_det", "g_dmed", "g_fine", "slope_jit"), "detail comes or goes on the way"),
    "shape": (("geo_",), "shapes bend as if they melted"),
    "shake": (("shake",), "the camera jumps to and fro"),
    "pace": (("speed",), "motion comes to rest or bursts"),
    "repeats": (("loop", "pingpong", "near_", "lag2", "mid"), "moments come back"),
    "leaps": (("jump", "still", "span", "first_last"), "the clip leaps or stands still"),
    "pattern": (("spec_", "per_", "prof_"), "a regular pattern lies over the picture"),
    "lines": (("line_",), "straight lines stay in place"),
    "fringes": (("c_rg", "c_bg"), "colours do not lie over each other"),
    "specks": (("c_speck",), "single pixels stand out"),
    "mirrors": (("c_auto", "c_mirror"), "the picture repeats or mirrors itself"),
    "sharpness": (("slope_", "s0_sg", "s1_sg"), "the sharpness is no photograph's"),
    "flatness": (("s0_flat", "s1_flat"), "surfaces are without any texture"),
    "texture": (("s0_", "s1_"), "texture is such as photographs do not have"),
    "lost": (("alive_",), "hardly anything can be followed"),
}

KINDS = tuple(_KINDS)


@cache
def kind_of(number: str) -> str:
    """The kind that a number of that name speaks of.

    Raises:
        ValueError: there is no such number.
    """
    for kind, (starts, _) in _KINDS.items():
        if number.startswith(starts):
            return kind
    raise ValueError(f"there is no number {number!r}")


def words_of(kind: str) -> str:
    """The kind for people, as the end of a sentence."""
    return _KINDS[kind][1]
