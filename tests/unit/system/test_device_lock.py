"""Two runs never share a device, whoever starts them, and a killed one does not block the next."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reelops.errors import Cancelled, MachineError
from reelops.progress import LogMessage, RunContext
from reelops.system import device_lock
from reelops.system.device_lock import Device, hold, hold_accelerator, hold_device, lock_folder, on_device

HOLD = """
import sys, time
from pathlib import Path
from reelops.system.device_lock import hold_device
with hold_device(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
TRY = """
import sys
from pathlib import Path
from reelops.errors import MachineError
from reelops.system.device_lock import Device, hold
try:
    with hold(Device("a GPU", Path(sys.argv[1])), timeout_seconds=0):
        print("held")
except MachineError as error:
    print(error)
"""


@pytest.fixture
def gpu() -> Iterator[Device]:
    """A device with a lock of the whole machine, in a folder as /tmp is; pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        yield Device("a GPU", Path(folder) / "gpu.lock")


def tried_by_another(device: Device, **environment: str) -> str:
    """What another process says that wants the device."""
    bare = {name: value for name, value in os.environ.items() if name != device_lock._HELD_BY_PARENT}
    tried = subprocess.run(
        [sys.executable, "-c", TRY, str(device.lock)], capture_output=True, text=True, env=bare | environment
    )
    assert tried.returncode == 0, tried.stderr
    return tried.stdout.strip()


def test_a_second_run_waits_and_is_told_then_a_killed_holder_lets_go_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "held\n"
    told: list[str] = []
    context = RunContext(lambda event: told.append(event.text) if isinstance(event, LogMessage) else None)
    with pytest.raises(MachineError, match=r"was busy for 0\.1 s"), hold_device(tmp_path, context, 0.1):
        pytest.fail("two runs on one device")
    assert len(told) == 1 and told[0].startswith("Waiting: another run is on ")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with hold_device(tmp_path, timeout_seconds=5):
        pass


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        stopped = pytest.raises(Cancelled, match="while waiting for")
        with stopped, hold_device(tmp_path, RunContext(should_stop=lambda: True)):
            pytest.fail("two runs on one device")
        holder.kill()


def test_the_device_is_free_again_after_the_block(gpu: Device) -> None:
    for _ in range(2):
        with hold(gpu, timeout_seconds=0):
            assert "busy" in tried_by_another(gpu)
        assert tried_by_another(gpu) == "held"


def test_what_a_process_holds_it_holds_again_at_once_in_any_thread_until_the_last_lets_go(gpu: Device) -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with hold(gpu, timeout_seconds=0):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=stay)
    with hold(gpu, timeout_seconds=0), hold(gpu, timeout_seconds=0):
        thread.start()
        assert inside.wait(30)
    assert "busy" in tried_by_another(gpu)
    leave.set()
    thread.join()
    assert tried_by_another(gpu) == "held"


def test_what_a_process_holds_its_children_hold_and_nobody_elses(gpu: Device) -> None:
    with hold(gpu):
        inherited = os.environ[device_lock._HELD_BY_PARENT]
        assert tried_by_another(gpu, **{device_lock._HELD_BY_PARENT: inherited}) == "held"
        stranger = f"1{os.pathsep}{gpu.lock.with_name('another')}"
        assert "busy" in tried_by_another(gpu, **{device_lock._HELD_BY_PARENT: stranger})
        dead = f"{2**22 - 1}{os.pathsep}{gpu.lock}"
        assert "busy" in tried_by_another(gpu, **{device_lock._HELD_BY_PARENT: dead})
    assert device_lock._HELD_BY_PARENT not in os.environ


def test_a_forked_child_holds_what_its_parent_holds_and_does_not_let_go_of_it(gpu: Device) -> None:
    with hold(gpu):
        if (child := os.fork()) == 0:
            with hold(gpu, timeout_seconds=0):
                pass
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert "busy" in tried_by_another(gpu)


def test_without_a_gpu_nothing_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_lock, "_gpu", lambda _name="cuda": None)
    with hold_accelerator() as name:
        assert name is None
    assert on_device("cpu") == "cpu" and device_lock._HELD_BY_PARENT not in os.environ


def test_whoever_puts_something_on_a_gpu_has_it_from_then_on(gpu: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_lock, "_gpu", lambda _name="cuda": gpu)
    assert on_device("cuda") == "cuda"
    assert "busy" in tried_by_another(gpu)
    with hold_accelerator() as name:
        assert name == "a GPU"
    assert "busy" in tried_by_another(gpu), "what lies on it still does"
    device_lock._let_go(gpu)


def test_processes_that_share_a_run_never_wait_for_anothers_device(
    gpu: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_lock, "_gpu", lambda _name="cuda": gpu)
    monkeypatch.setenv("WORLD_SIZE", "2")
    program = TRY.replace('print("held")', 'print("held", flush=True); sys.stdin.read()')
    with subprocess.Popen(
        [sys.executable, "-c", program, str(gpu.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "held\n"
        for door in (hold_accelerator, lambda: hold_accelerator(timeout_seconds=60)):
            with pytest.raises(MachineError, match="was busy; try again"), door():
                pytest.fail("two runs on one device")
        with pytest.raises(MachineError, match="was busy; try again"):
            on_device("cuda")
        other.communicate()


def test_all_users_meet_in_one_folder_whatever_each_calls_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    before = lock_folder()
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", None)
    assert lock_folder() == before


def test_a_machine_without_such_a_folder_says_that_others_are_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_lock, "_PLACES", (tmp_path, tmp_path / "none"))
    folder, for_all = lock_folder()
    assert not for_all and folder.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two users")
@pytest.mark.parametrize("users", [(0, 1001, 1002), (1001, 0, 1002), (1001, 1002, 0)])
def test_every_user_of_the_machine_takes_the_lock_whoever_came_first(gpu: Device, users: tuple[int, ...]) -> None:
    for user in users:
        assert as_user(user, lambda: _try_once(gpu)) == "held", users


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two users")
def test_one_users_run_keeps_another_users_away(gpu: Device) -> None:
    def inside() -> str:
        with hold(gpu):
            return "held"

    assert as_user(1001, inside) == "held"
    with hold(gpu):
        assert "a GPU was busy" in as_user(1002, lambda: _try_once(gpu), child=False)


def _try_once(device: Device) -> str:
    try:
        with hold(device, timeout_seconds=0):
            return "held"
    except MachineError as error:
        return str(error)


def as_user(user: int, work: Callable[[], str], child: bool = True) -> str:
    """What `work` gives in a process of that user, who keeps all files private.

    Args:
        child: what this process holds is that one's, too.
    """
    reader, writer = os.pipe()
    if (number := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            os.umask(0o077)
            if not child:
                os.environ.pop(device_lock._HELD_BY_PARENT, None)
            os.write(writer, work().encode())
        except BaseException as error:
            os.write(writer, repr(error).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        answer = said.read()
    os.waitpid(number, 0)
    return answer


@pytest.mark.parametrize("kind", ["link to a file", "link to nothing", "folder"])
def test_what_stands_in_a_locks_place_is_not_followed_and_named(gpu: Device, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    if kind == "folder":
        gpu.lock.mkdir()
    else:
        gpu.lock.symlink_to(target)
    if kind == "link to a file":
        target.write_text("as it was")
    refused = pytest.raises(MachineError, match=rf"the lock {re.escape(str(gpu.lock))} cannot be used .*Remove what is")
    with refused, hold(gpu, timeout_seconds=0):
        pytest.fail("held")
    assert not target.exists() or target.read_text() == "as it was"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two users")
def test_a_lock_that_its_owner_keeps_from_others_is_named_with_what_to_do(gpu: Device) -> None:
    gpu.lock.touch(0o600)
    assert "cannot be used (Permission denied)" in as_user(1001, lambda: _try_once(gpu))


GUARDED = {"cogvideox/load.py", "training/encode.py", "training/launch.py", "validation/reload.py"}


def test_nothing_but_what_asks_for_the_device_puts_a_network_on_it(repository: Path) -> None:
    source = repository / "src" / "reelops"
    guarded = {str(path.relative_to(source)) for path in source.rglob("*.py") if "on_device(" in path.read_text()}
    assert guarded >= GUARDED
    for path in source.rglob("*.py"):
        for line in path.read_text().splitlines():
            if re.search(
                r"enable_\w+_cpu_offload\(|\.cuda\(|\bAccelerator\(|to_empty\(device=|pipeline\.to\(|torch\.device\(.cuda",
                line,
            ):
                assert str(path.relative_to(source)) in guarded, f"{path}: {line.strip()}"
