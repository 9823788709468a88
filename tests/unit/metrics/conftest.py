"""A real picture, and clips filmed over it."""

from filmed import film_over, filmed, kitten, photo, track, walk

__all__ = ["film_over", "filmed", "kitten", "photo", "track", "walk"]
