"""A project with two small clips."""

from bench_project import bench, project

__all__ = ["bench", "project"]
