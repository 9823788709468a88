"""Dual TV-L1 of ours against OpenCV's: time, agreement, error on known motion, and the score that rests on it.

Both sides run in one process on the same pictures. What takes OpenCV hours, its score of whole clips at 240 rows and
its error on known motion at 480, is measured once and kept: see `golden`.
"""
