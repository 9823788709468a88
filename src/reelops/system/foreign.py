"""See `reelops.foreign`, where this has its home; kept for those who look for it beside the other file readers."""

from reelops.foreign import machine_error_on_read, reading_foreign, reason_of

__all__ = ["machine_error_on_read", "reading_foreign", "reason_of"]
