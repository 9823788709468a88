"""What the numbers of naturalness speak of, for people."""

from __future__ import annotations

_WORDS = (
    (("res_spike", "res_step", "res_jitter", "chr_spike"), "something there follows no motion around it"),
    (("res_seam", "act_seam"), "a straight seam between parts that move differently"),
    (("res_", "expl", "resid", "conf_"), "frames follow less from each other than in filmed clips"),
    (("dead_", "act_grad"), "a part stands still, or nearly, beside parts that move"),
    (("ghost_",), "earlier frames shine through"),
    (("sgn_", "g_Y", "ref_Y", "g_white", "g_black"), "the light changes on its own"),
    (("chr_", "g_cr", "g_cb", "g_chr", "ref_cr", "ref_cb", "ref_chr"), "colours change on their own"),
    (("ref_con", "g_con"), "contrast changes on the way"),
    (("ref_det", "g_det", "g_dmed", "g_fine", "slope_jit"), "detail comes or goes on the way"),
    (("geo_",), "shapes bend as if they melted"),
    (("shake",), "the camera jumps to and fro"),
    (("speed",), "motion comes to rest or bursts"),
    (("loop", "pingpong", "near_", "lag2", "mid"), "moments come back"),
    (("jump", "still", "span", "first_last"), "the clip leaps or stands still"),
    (("spec_", "per_", "prof_"), "a regular pattern lies over the picture"),
    (("line_",), "straight lines that stay in place"),
    (("c_rg", "c_bg"), "colours do not lie over each other"),
    (("c_speck",), "single odd pixels"),
    (("c_auto", "c_mirror"), "the picture repeats or mirrors itself"),
    (("slope_", "s0_sg", "s1_sg"), "the sharpness is no photograph's"),
    (("s0_flat", "s1_flat"), "surfaces without any texture"),
    (("s0_", "s1_"), "texture that photographs do not have"),
    (("alive_",), "hardly anything can be followed"),
)


def words_of(name: str) -> str:
    """What a number of that name speaks of."""
    return next(words for starts, words in _WORDS if name.startswith(starts))
