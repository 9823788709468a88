"""What FFmpeg says of a machine in need and of a damaged file alike: the file itself tells which of the two it is."""

from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path

import av.error
import pytest
from scarcity import no_more_open_files

from reelops.dataset.metadata.examine import Job, examine
from reelops.dataset.metadata.params import Limits, MetadataParams
from reelops.dataset.metadata.store import measure_store, settings_digest
from reelops.dataset.table import Reason
from reelops.errors import Fault, MachineError, VideoError, fault_of
from reelops.video.encode import encode
from reelops.video.probe import probe
from reelops.video.source import UncertainVideoError, reading_video
from tests.unit.video.media import noise_frames


@pytest.fixture
def asking_for_memory(tmp_path: Path) -> Path:
    """A whole MP4 whose table of times is said to have four thousand million entries: FFmpeg says "no memory"."""
    path = encode(noise_frames(4), tmp_path / "clip.mp4", Fraction(8), "fast").path
    content = path.read_bytes()
    entries = content.index(b"stts") + 8
    path.write_bytes(content[:entries] + b"\xff" * 4 + content[entries + 4 :])
    return path


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EIO, errno.EAGAIN])
def test_what_may_be_either_is_told_of_a_file_that_can_be_read_to_its_end(tmp_path: Path, number: int) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(1000))
    with pytest.raises(UncertainVideoError) as told, reading_video(path):
        av.error.err_check(-number)
    assert str(path) in str(told.value)
    assert fault_of(told.value) is Fault.INPUT


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EMFILE])
def test_what_only_a_machine_lacks_is_never_told_of_the_file(tmp_path: Path, number: int) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(1000))
    with pytest.raises(MachineError, match="Nothing is known of the file"), reading_video(path):
        av.error.err_check(-number)


def test_a_file_that_the_disk_does_not_give_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    """This process's own memory is a file whose first page gives an input/output error."""
    with pytest.raises(MachineError, match="cannot read"), reading_video(Path("/proc/self/mem")):
        av.error.err_check(-errno.EIO)


def test_a_process_without_room_for_another_file_blames_no_video(tmp_path: Path) -> None:
    path = encode(noise_frames(4), tmp_path / "clip.mp4", Fraction(8), "fast").path
    probe(path)
    with no_more_open_files(), pytest.raises(MachineError):
        probe(path)
    assert probe(path).num_frames == 4


def test_an_uncertain_finding_is_told_and_never_kept(tmp_path: Path, asking_for_memory: Path) -> None:
    with pytest.raises(VideoError):
        probe(asking_for_memory)
    params = MetadataParams(limits=Limits(max_still_share=0.5, max_text_share=0.35), max_quarantined_share=0.5)
    store = measure_store(tmp_path / "measured")
    job = Job(asking_for_memory, None, None, params, settings_digest(params), store, tmp_path)
    found = examine(job, lambda _: None)
    assert found.sha256 is not None
    assert found.measured.reason in (Reason.NOT_A_VIDEO, Reason.DAMAGED)
    assert str(asking_for_memory) not in found.measured.evidence
    assert not found.measured.certain
    assert store.read(job.key(found.sha256)) is None
