"""A project with encoded clips, and one with two small clips."""

from bench_project import bench, project
from encoded_ground import encoded, ground, one_thread

__all__ = ["bench", "encoded", "ground", "one_thread", "project"]
