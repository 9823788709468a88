"""Commands run in a home of their own."""

from studio import bare_studio, studio

__all__ = ["bare_studio", "studio"]
