"""Dual TV-L1, compiled by numba."""
