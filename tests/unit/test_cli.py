"""The command line's manners: quick help, one clear line for a mistake, a traceback for a fault of ours."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from reelops.cli import run_guarded
from reelops.errors import EXIT_CODES, Cancelled, MachineError, PictureError, ReelOpsError


def reelops(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reelops.cli", *arguments], capture_output=True, text=True, cwd=cwd, timeout=120
    )


def fail_with(error: BaseException) -> int:
    def run() -> None:
        raise error

    return run_guarded(run)


def test_help_shows_examples_and_every_command_without_loading_a_model() -> None:
    program = (
        "import sys; from reelops.cli import build_app; app = build_app();\n"
        "try: app(['--help'], standalone_mode=False)\n"
        "finally: print('HEAVY', [m for m in ('torch', 'mlflow', 'prefect', 'cv2', 'diffusers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert "reelops generate photo.jpg" in done.stdout
    for command in ("generate", "score", "info", "doctor", "pretrain"):
        assert command in done.stdout
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr


def test_version_is_one_line() -> None:
    done = reelops("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "reelops")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["generate"], "picture"),
        (["generate", "a.png", "zoom in", "--steps", "none"], "--steps"),
        (["generate", "a.png", "zoom in", "--seeds", "1,x"], "--seeds"),
        (["generate", "a.png", "zoom in", "--fit", "stretch"], "stretch"),
        (["generate", "a.png", "zoom in", "-o", "clip.gif"], "clip.gif"),
        (["nothing"], "nothing"),
    ],
)
def test_wrong_usage_exits_2_and_names_what_was_wrong(arguments: list[str], named: str) -> None:
    done = reelops(*arguments)
    assert done.returncode == 2
    assert named in done.stderr.lower() or named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["generate", "a.png", "slow", "zoom", "in"], "(zoom in). Put a prompt of several words in quotes. See"),
        (["generate", "IMG_1.JPG", "zoom in"], "IMG_1.JPG does not exist"),
        (["generate", "a.png", "zoom in", "--stepps", "3"], "--stepps"),
        (["generat"], "generat"),
    ],
)
def test_every_mistake_is_one_line_of_one_style(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = reelops(*arguments, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("reelops: ") and told in line


def test_help_fills_the_terminal_and_shows_no_value_for_flags() -> None:
    program = "from reelops.cli import build_app; build_app()(['generate', '--help'], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert "<bool>" not in done.stdout and "<path>" in done.stdout
    text = " ".join(done.stdout.split())
    assert "everything that is known about it. A rejected clip is kept" in text
    (line,) = [line for line in done.stdout.splitlines() if "rejected" in line and "kept" in line]
    assert len(line.split()) > 8, "no line ends where the source's does"


def test_completion_knows_the_profiles() -> None:
    from reelops.cli.order_options import _profiles_beginning_with

    assert _profiles_beginning_with("cog")[0] == "cogvideox-5b-i2v"
    assert set(_profiles_beginning_with("")) >= {"tiny", "camera-moves"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(PictureError("Give a picture."), 2), (MachineError("No room."), 1), (Cancelled("Stopped."), 130)],
)
def test_an_error_meant_for_a_person_is_one_line_and_its_own_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(error) == code
    told = capsys.readouterr()
    assert str(error) in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "{}.mp4"],
        ["score", "{}.mp4"],
        ["score", "a.mp4", "--csv", "{}.csv"],
        ["generate", "{}.jpg", "pan left", "-p", "camera-moves"],
        ["generate", "a.jpg", "pan left", "-o", "{}.mp4"],
    ],
)
def test_a_name_too_long_for_the_disk_is_a_mistake_told_in_a_line(arguments: list[str], tmp_path: Path) -> None:
    done = reelops(*(argument.format("変" * 90) for argument in arguments), cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "too long" in line and "変変" in line


def test_a_name_that_is_no_unicode_is_spelt_out_in_answers(tmp_path: Path) -> None:
    picture = tmp_path / os.fsdecode(b"caf\xe9.png")
    Image.new("RGB", (8, 8)).save(picture, format="PNG")
    done = reelops("info", "--json", str(picture), cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["path"]) == (0, str(picture))
    assert r"caf\udce9.png" in reelops("info", str(picture), cwd=tmp_path).stdout


def test_the_table_of_exit_codes_is_that_of_the_code(repository: Path) -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", (repository / "docs/exit_codes.md").read_text(), re.MULTILINE)
    assert {int(code): words for code, words in rows} == EXIT_CODES
    kinds = {error.exit_code for error in every_kind_of(ReelOpsError)}
    assert kinds < EXIT_CODES.keys()


def every_kind_of(error: type[ReelOpsError]) -> set[type[ReelOpsError]]:
    return {error}.union(*(every_kind_of(kind) for kind in error.__subclasses__()))


def test_ctrl_c_says_that_nothing_half_done_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail_with(KeyboardInterrupt()) == 130
    assert "Unfinished files were removed" in capsys.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback_and_asks_for_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail_with(ZeroDivisionError("division by zero")) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told and "ZeroDivisionError" in told
    assert "Please report it" in told


def test_ctrl_c_in_code_that_is_run_from_a_string_ends_with_the_code_of_ctrl_c(tmp_path):
    """Python marks such an interruption, caught or not, and with `-m` would end by the signal."""
    (tmp_path / "interrupted.py").write_text(
        "from reelops import cli\n"
        "cli.build_app = lambda: lambda standalone_mode: exec('raise KeyboardInterrupt')\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-m", "interrupted"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 130 and done.stderr.startswith("Stopped.")


def test_memory_that_runs_out_is_one_line_whatever_the_command_was_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail_with(MemoryError()) == 1
    said = capsys.readouterr().err
    assert "This machine ran out of memory with this command. Free it of other work" in said
    assert "Traceback" not in said and "fault in ReelOps" not in said


@pytest.mark.parametrize("arguments", [["--help"], ["info", "{}"], ["info", "--json", "{}"], ["doctor"], ["nothing"]])
def test_a_reader_that_has_had_enough_is_no_failure(arguments: list[str], tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(picture)
    command = [sys.executable, "-m", "reelops.cli", *(argument.format(picture) for argument in arguments)]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    finally:
        os.close(writer)
    assert done.returncode == (2 if arguments == ["nothing"] else 0)
    assert "Traceback" not in done.stderr and "Broken" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("command", [["doctor"], ["info", "a.png"], ["--help"]])
def test_a_terminal_that_knows_few_letters_stops_no_answer(tmp_path: Path, encoding: str, command: list[str]) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "-m", "reelops.cli", *command],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "POSIX", "PYTHONUTF8": "0"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/there/x"), "/there/x cannot be used: Permission denied"),
        (OSError(errno.EROFS, "Read-only file system", "/there/x"), "/there/x cannot be used: Read-only file system"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/there/x"),
            "cannot write /there/x: No space left on device",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "cannot write what is to be kept: No space left on device. Free some space there",
        ),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
            "or its network, failed: Connection refused",
        ),
    ],
)
def test_what_the_machine_says_is_one_line_whoever_met_it(
    error: OSError, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(error) == 1
    said = capsys.readouterr().err
    assert told in said and len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("command", [["generate", "{}", "zoom in", "--no-track"], ["info", "{}"]])
@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "s3://pictures/a.jpg"])
def test_a_web_address_is_told_from_a_path_that_is_not_there(tmp_path: Path, command: list[str], address: str) -> None:
    done = reelops(*(argument.format(address) for argument in command), cwd=tmp_path)
    assert done.returncode == 2
    assert f"{address} is a web address, not a file; download it" in done.stderr


@pytest.mark.parametrize("host", ["", "localhost"])
def test_the_address_of_a_file_is_told_from_its_path(tmp_path: Path, host: str) -> None:
    path = tmp_path / "my photo.jpg"
    done = reelops("info", path.as_uri().replace(":///", f"://{host}/"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and f"not its path; give {path}." in done.stderr


@pytest.mark.parametrize("command", [["generate", "photo.jpg", "zoom in"], ["doctor"]])
def test_a_working_folder_that_is_gone_is_one_line(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "gone").mkdir()
    run = f"import os; os.rmdir({str(tmp_path / 'gone')!r}); from reelops.cli import main; main()"
    # As a program that is installed starts: it looks for no module in the working folder.
    program = [sys.executable, "-P", "-c", run, *command]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path / "gone")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "the folder that you are in is gone" in done.stderr
