"""Runs a command and says what it took: the program that stands between a benchmark and what it measures.

On Linux the peak memory that a process is said to have begins with that of the process which started it (`exec` carries
it over). A benchmark holds hundreds of megabytes. So commands are started by this file, run as a program of its own
that holds ten.

    python -I -S measured_command.py RESULT COMMAND ARGUMENT...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main(result: str, command: list[str]) -> None:
    """Writes exit code, seconds and peak memory to `result`, as JSON."""
    began = time.perf_counter()
    process = subprocess.Popen(command)  # noqa: S603 - whoever started this chose it
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    peak_bytes = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    facts = {
        "code": process.returncode,
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": peak_bytes / 1e6,
    }
    Path(result).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
