"""What training costs here, measured beside what it replaces.

Each way runs in a process of its own, so that its peak memory is its own; ways take turns, so that other work on the
machine falls on all of them.
"""
