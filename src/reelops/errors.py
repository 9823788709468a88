"""What can go wrong, as one tree:

ReelOpsError
├── InputError            the user gave something that cannot work and can mend it (exit code 2)
│   ├── PictureError      a picture that cannot be read or used
│   ├── VideoError        a video that cannot be read or used
│   ├── PromptError       a prompt that cannot be used
│   ├── ClipFormatError   frames, size or rate that the base model cannot make
│   ├── DatasetError      annotations, a folder or an archive of a data set that cannot be used
│   └── SettingsError     params.yaml, an environment variable or an option
├── WeightsError          weights that cannot be had, or are not what they should be
├── MachineError          this machine cannot do it: memory, disk, accelerator
│   ├── LostProcess       another process of the same run has ended
│   └── OutOfMemory       memory ran out at work, on a GPU or in main memory
├── DownloadError         something on the network that cannot be had
├── TrackingError         the tracking server cannot be reached or refuses
└── Cancelled             somebody asked to stop (exit code 130)

Every message finishes the user's sentence: what was wrong, the value, what to do next.

Whatever else is raised is judged here too, in one place: `fault_of` says whose fault it is, `may_pass` whether the same
call may work in a while. Retries, quarantine and caches ask these two and nothing else.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum

DONE, FAILED, UNUSABLE, REJECTED, STOPPED, TERMINATED = 0, 1, 2, 3, 130, 143
EXIT_CODES: Mapping[int, str] = {
    DONE: "done",
    FAILED: "failed",
    UNUSABLE: "unusable input",
    REJECTED: "rejected: a clip by the gate, an adapter by a check, or a benchmark that became worse",
    STOPPED: "stopped by Ctrl-C",
    TERMINATED: "stopped by SIGTERM",
}
"""How a command ends; docs/exit_codes.md has what each means for which command."""


class ReelOpsError(Exception):
    """Anything ReelOps raises on purpose; its text is meant for a person, without a traceback."""

    exit_code = FAILED


class InputError(ReelOpsError):
    exit_code = UNUSABLE


class PictureError(InputError):
    pass


class VideoError(InputError):
    pass


class PromptError(InputError):
    pass


class ClipFormatError(InputError):
    pass


class DatasetError(InputError):
    pass


class SettingsError(InputError):
    pass


class WeightsError(ReelOpsError):
    pass


class MachineError(ReelOpsError):
    pass


class LostProcess(MachineError):
    pass


FREE_MEMORY = "Free it of other work and try again."


class OutOfMemory(MachineError):
    @classmethod
    def of(cls, error: BaseException, doing: str, what_to_do: str = FREE_MEMORY) -> OutOfMemory:
        """The sentence for what a library raised when memory ran out.

        Args:
            doing: what needed the memory: "encoding clips in bfloat16".
            what_to_do: so that less is needed, or more is there; a sentence.
        """
        on_gpu = any(
            type(link).__name__ == "OutOfMemoryError" or any(word in str(link) for word in _GPU_WORDS)
            for link in causes(error)
        )
        return cls(f"{'The GPU' if on_gpu else 'This machine'} ran out of memory {doing}. {what_to_do}")


class DownloadError(ReelOpsError):
    pass


class TrackingError(ReelOpsError):
    pass


class Cancelled(ReelOpsError):
    exit_code = STOPPED


def nearest_name(given: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, whatever its case; None where none is near."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(given.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """ " Did you mean rank?", or nothing where no known name is near; goes after the end of a sentence."""
    near = nearest_name(given, known)
    return f" Did you mean {near}?" if near else ""


class Fault(StrEnum):
    """Whose fault an exception is.

    Attributes:
        INPUT: of what was given: it is a fact about that file, and the same tomorrow. It may be kept and quarantined.
        MACHINE: of this machine or its network: it says nothing about the input, so it is never kept, never a reason
            for quarantine, and ends the stage.
        OURS: of ReelOps; it ends with a traceback.
    """

    INPUT = "input"
    MACHINE = "machine"
    OURS = "ours"


OUT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# A socket that says one of these does not speak of the network behind it.
_OWN_ERRNOS = OUT_OF_SPACE | {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EIO, errno.EROFS}
_PASSING_ERRNOS = frozenset(
    {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ENFILE, errno.EMFILE, errno.ENOLCK}
    | {errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH}
    | {errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EREMOTEIO}
)
# A file that may not be read (EACCES, EPERM) is not among them: that is a fact about the file's place.
_MACHINE_ERRNOS = _PASSING_ERRNOS | OUT_OF_SPACE | {errno.ENOMEM, errno.EROFS, errno.ENODEV, errno.ENXIO}
# These trees are recognised by name, because none of their libraries is imported here: requests, httpx, urllib3;
# torch, CUDA and FFmpeg; Prefect.
_NETWORK_ERRORS = {"ConnectionError", "Timeout", "TransportError", "RetryError"}
_MEMORY_ERRORS = {"MemoryError", "OutOfMemoryError"}
_MACHINE_ERRORS = _MEMORY_ERRORS | {"AcceleratorError", "BrokenProcessPool"}
# What libraries say that have no exception of their own for it: torch's allocator on processors, CUDA's runtime and its
# libraries, OpenCV, safetensors.
_GPU_WORDS = ("CUDA", "CUBLAS", "CUDNN", "CUSOLVER")
_MEMORY_WORDS = (
    *("out of memory", "can't allocate memory", "not enough memory", "Insufficient memory"),
    *(
        os.strerror(errno.ENOMEM),
        "CUBLAS_STATUS_ALLOC_FAILED",
        "CUDNN_STATUS_ALLOC_FAILED",
        "CUSOLVER_STATUS_ALLOC_FAILED",
    ),
)
_TIME_LIMITS = {"TaskRunTimeoutError", "FlowRunTimeoutError"}
# What compiled libraries that keep no errno (torch, safetensors, OpenCV) say of the machine in their messages.
_MACHINE_WORDS = (*map(os.strerror, sorted(_MACHINE_ERRNOS)), *_MEMORY_WORDS)


def fault_of(error: BaseException) -> Fault:
    """Whose fault an exception is, by itself and by what caused it.

    A machine's fault anywhere among the causes is what it is: a VideoError raised because no more files could be opened
    says nothing about the video.
    """
    if machine_cause(error) is not None:
        return Fault.MACHINE
    if any(isinstance(link, ReelOpsError) for link in causes(error)):
        return Fault.INPUT
    return Fault.OURS


def machine_cause(error: BaseException) -> BaseException | None:
    """The first of an exception and its causes that is a fault of this machine; None where none is."""
    return next((link for link in causes(error) if _is_of_the_machine(link)), None)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the GPU's or of main memory, by the exception itself or by what caused it."""
    return any(_lacks_memory(link) for link in causes(error))


def this_machine_failed(error: BaseException) -> bool:
    """Whether this very machine had no files, memory, room or disk left, whatever a library made of that.

    To whoever asks servers a network that fails is news of one server, and this is none. Libraries of the network hide
    what the system said, so all that an exception was made of is looked at, too.
    """
    seen: dict[int, BaseException] = {}
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop()
        if isinstance(link, BaseException) and id(link) not in seen:
            seen[id(link)] = link
            waiting += [link.__cause__, link.__context__, *link.args]
    return any(
        isinstance(link, MemoryError) or (isinstance(link, OSError) and link.errno in _OWN_ERRNOS)
        for link in seen.values()
    )


def may_pass(error: BaseException) -> bool:
    """Whether the same call may work in a while: a network or a busy disk is among the causes.

    A user's error, a full disk or memory, a task that took longer than its limit, and whatever is decided by the inputs
    alone fail again in the same way.
    """
    chain = causes(error)
    return not any(_lasts(link) for link in chain) and any(_passes(link) for link in chain)


def is_out_of_space(error: BaseException) -> bool:
    """Whether a disk was too full for what was written, or a file grew beyond what is allowed."""
    return any(_says_full(link) for link in causes(error))


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in OUT_OF_SPACE
    return not isinstance(error, ReelOpsError) and any(os.strerror(number) in str(error) for number in OUT_OF_SPACE)


def _is_of_the_machine(error: BaseException) -> bool:
    if isinstance(error, MachineError | DownloadError | TrackingError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _MACHINE_ERRNOS or _is_named(error, _MACHINE_ERRORS | _NETWORK_ERRORS | _TIME_LIMITS)
    if _is_named(error, _MACHINE_ERRORS | _NETWORK_ERRORS | _TIME_LIMITS):
        return True
    return not isinstance(error, ReelOpsError) and any(words in str(error) for words in _MACHINE_WORDS)


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ReelOpsError):
        return isinstance(error, OutOfMemory)
    foreign = isinstance(error, RuntimeError) or type(error).__module__ != "builtins"
    return _is_named(error, _MEMORY_ERRORS) or (foreign and any(words in str(error) for words in _MEMORY_WORDS))


def _lasts(error: BaseException) -> bool:
    return isinstance(error, InputError | Cancelled) or _is_named(error, _TIME_LIMITS)


def _passes(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno in _PASSING_ERRNOS:
        return True
    return _is_named(error, _NETWORK_ERRORS)


def _is_named(error: BaseException, names: set[str]) -> bool:
    return any(cls.__name__ in names for cls in type(error).mro())


def stop_among(error: BaseException) -> BaseException | None:
    """What asked the work to stop, where that is among the causes: a signal, a cancellation, a task's time limit.

    Libraries wrap whatever meets them in errors of their own; whoever turns these into other errors asks here first.
    What an error was raised in the handling of counts, too, where it names another cause: urllib3 gives a cause of its
    own making to what it raises in the handling of a time limit.
    """
    return next((link for link in all_behind(error) if _asks_to_stop(link)), None)


def all_behind(error: BaseException) -> list[BaseException]:
    """The error, its causes, and what each was raised in the handling of, unless it was raised `from None`."""
    found, waiting = list[BaseException](), [error]
    while waiting:
        link = waiting.pop(0)
        if any(link is known for known in found):
            continue
        found.append(link)
        met = (link.__cause__, link.__context__ if link.__cause__ or not link.__suppress_context__ else None)
        waiting += [one for one in met if one is not None]
    return found


def causes(error: BaseException | None) -> list[BaseException]:
    """The error, what caused it, what caused that, and so on."""
    found: list[BaseException] = []
    while error is not None and not any(error is known for known in found):
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def _asks_to_stop(error: BaseException) -> bool:
    return not isinstance(error, Exception) or isinstance(error, Cancelled) or _is_named(error, _TIME_LIMITS)
