"""The house itself: what is locked, what is shipped, what the documents promise, which way imports go."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import reelops
from reelops.cli.doctor import SUPPORTED_PYTHONS

PACKAGES = ("src", "flows", "tasks")
# torch's builds for GPUs state these exactly by themselves; the lock is the same on every machine.
FROM_TORCH = ("nvidia-", "cuda-", "triton")


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with nothing of this environment but what it needs to be found."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": path, "HOME": str(cwd), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def tracked_files(repository: Path) -> list[Path]:
    """What git versions, or would version once added."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", cwd=repository)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [repository / name for name in listed.stdout.split("\0") if name and (repository / name).is_file()]


def pyproject(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())


def wanted(repository: Path) -> list[Requirement]:
    """Requirements of the project and of all its extras."""
    project = pyproject(repository)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(text) for group in groups for text in group]


def locked(repository: Path, python: str | None = None) -> dict[str, Version]:
    """What is locked for a Python, such as 3.12; None is this one."""
    environment = {"python_version": python} if python else None
    lines = (repository / "requirements.lock").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    return {
        canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version)
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def supported_pythons(repository: Path) -> list[str]:
    return re.findall(r"Python :: (3\.\d+)", "\n".join(pyproject(repository)["project"]["classifiers"]))


# ---- the lock ----


def test_lock_has_one_exact_public_version_a_line_and_nothing_else(repository):
    marker = r"( ; python_version [<>!]=? '3\.\d+'( and python_version [<>!]=? '3\.\d+')*)?"
    for line in (repository / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(rf"#.*|[A-Za-z0-9._-]+==[0-9][0-9a-z.]*{marker}", line), line


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_lock_satisfies_pyproject(repository, python):
    pins = locked(repository, python)
    unmet = [
        str(requirement)
        for requirement in wanted(repository)
        if (version := pins.get(canonicalize_name(requirement.name))) is None or version not in requirement.specifier
    ]
    assert not unmet, f"requirements.lock does not meet {unmet}; run `make lock`."


def test_the_supported_pythons_are_the_same_wherever_they_are_named(repository):
    named = supported_pythons(repository)
    wanted_range = SpecifierSet(pyproject(repository)["project"]["requires-python"])
    assert named == [f"3.{minor}" for minor in range(40) if f"3.{minor}" in wanted_range]
    assert [f"{major}.{minor}" for major, minor in SUPPORTED_PYTHONS] == named
    setup = (repository / "scripts/setup.sh").read_text()
    oldest, newest = ((python.replace(".", ", ")) for python in (named[0], named[-1]))
    assert f"({oldest}) <= sys.version_info[:2] <= ({newest})" in setup


def test_every_python_but_the_one_of_development_has_a_record_of_all_tests_without_failures(repository):
    for python in supported_pythons(repository)[1:]:
        record = json.loads((repository / "reports" / "python" / f"{python}.json").read_text())
        assert record["python"].startswith(f"{python}.") and record["tests"] == ["tests"]
        assert record["failed"] == 0 and record["passed"] > 2000, f"make python-report for {python}"


def test_a_version_that_only_some_pythons_have_is_locked_with_a_marker(repository):
    merge = runpy.run_path(str(repository / "scripts" / "lock.py"))["merge"]
    lines = merge(
        {
            "3.11": {"av": "18.1", "old": "1", "same": "1"},
            "3.12": {"av": "19.0", "old": "1", "same": "1"},
            "3.13": {"av": "19.0", "new": "2", "same": "1"},
        }
    )
    assert lines == [
        "av==18.1 ; python_version < '3.12'",
        "av==19.0 ; python_version >= '3.12'",
        "new==2 ; python_version >= '3.13'",
        "old==1 ; python_version < '3.13'",
        "same==1",
    ]


def test_lock_keeps_fastapi_where_the_prefect_server_imports(repository):
    assert locked(repository)["fastapi"] < Version("0.151")


def test_lock_is_the_closure_of_pyproject(repository):
    pins = locked(repository)
    needed = set(closure(wanted(repository), pins))
    assert not needed - set(pins), "needed and not locked; run `make lock`"
    assert not set(pins) - needed, "locked and needed by nothing; run `make lock`"


def closure(requirements: list[Requirement], pins: dict[str, Version]) -> Iterator[str]:
    """Names of all packages that the requirements bring in, by the metadata of what is installed here."""
    waiting = [(canonicalize_name(r.name), extra) for r in requirements for extra in ("", *r.extras)]
    seen = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or name.startswith(FROM_TORCH):
            continue
        seen.add((name, extra))
        yield name
        for requirement in requirements_of(name, pins):
            if requirement.marker is None or requirement.marker.evaluate({**default_environment(), "extra": extra}):
                waiting += [(canonicalize_name(requirement.name), each) for each in ("", *requirement.extras)]


def requirements_of(name: str, pins: dict[str, Version]) -> list[Requirement]:
    try:
        installed = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{name} is not installed here; `make test` installs what is locked")
    if name in pins and Version(Version(installed.version).public) != pins[name]:
        pytest.skip(f"{name} {installed.version} is installed, {pins[name]} is locked; `make test` installs that")
    return [Requirement(text) for text in installed.requires or []]


# ---- what is shipped ----


def test_wheel_holds_the_packages_with_their_data_and_nothing_else(repository, tmp_path):
    source = copy_of_packages(repository, tmp_path / "source")
    build = run(
        *(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source),
        cwd=tmp_path,
    )
    assert build.returncode == 0, build.stderr
    with zipfile.ZipFile(next(tmp_path.glob("reelops-*.whl"))) as wheel:
        shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    ours = {str(path.relative_to(repository)) for path in tracked_files(repository)}
    assert shipped == {name.removeprefix("src/") for name in ours if name.startswith("src/")}


def test_changelog_has_the_current_version(repository):
    assert f"## [{reelops.__version__}]" in (repository / "CHANGELOG.md").read_text()


def test_no_file_names_a_registry_or_a_place_on_some_machine(repository):
    secret = re.compile(
        r"/(?:work|root|home/(?!me/)\w+|Users/(?!me/)\w+)/|file:///|/opt/(?:wheels|pypi)|(?:extra-)?index-url|pythonhosted\.org"
    )
    found = [
        f"{path.relative_to(repository)}:{number}: {line.strip()[:120]}"
        for path in tracked_files(repository)
        if path != Path(__file__).resolve() and path.stat().st_size < 1_000_000
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1)
        if secret.search(line)
    ]
    assert not found, "\n".join(found)


def test_nothing_looks_beside_the_checkout_for_media_but_continuous_integration(repository):
    texts = {".md", ".py", ".yaml", ".lock", ".toml", ".sh", ""}
    found = [
        str(path.relative_to(repository))
        for path in tracked_files(repository)
        if path.suffix in texts and path != Path(__file__).resolve() and "../shared" in path.read_text()
    ]
    assert found == [".ci/run"]


def test_media_that_ships_is_small_and_each_file_has_its_source_and_licence(repository):
    folder = repository / "data/media"
    told = (folder / "README.md").read_text()
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "README.md"]
    assert sum(path.stat().st_size for path in files) <= 12 * 2**20
    assert not [path.name for path in files if f"`{path.parent.name}/{path.name}`" not in told]


# ---- what the documents promise ----


def test_the_architecture_has_a_line_for_every_room_and_for_no_other(repository):
    rooms = (repository / "docs/architecture.md").read_text().split("## Rooms")[1].split("\n## ")[0]
    named = {name for line in rooms.splitlines() for name in re.findall(r"`([\w/]+)`", line.rpartition(" | ")[0])}
    package = [path for path in (repository / "src/reelops").iterdir() if path.suffix == ".py" or path.is_dir()]
    there = {path.stem for path in package if not path.name.startswith("__")}
    assert named == there | {"flows/", "tasks/"}


def test_demo_and_documents_use_pictures_that_are_there(repository):
    named = re.findall(
        r"data/samples/\w+\.\w+", (repository / "Makefile").read_text() + (repository / "README.md").read_text()
    )
    assert named
    assert all((repository / name).is_file() for name in named)


def test_every_sample_picture_states_author_and_licence(repository):
    table = (repository / "data/samples/README.md").read_text()
    pictures = [path for path in (repository / "data/samples").iterdir() if path.suffix != ".md"]
    assert pictures
    assert all(f"`{picture.name}`" in table for picture in pictures)


# ---- which way imports go ----


def copy_of_packages(repository: Path, folder: Path) -> Path:
    """What the wheel is built from, away from the checkout."""
    folder.mkdir()
    for name in PACKAGES:
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, folder)
    return folder


def check_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("lint-imports", "--no-cache", "--no-logo", cwd=folder, PYTHONPATH=str(folder / "src"))


def test_the_import_contracts_hold(repository, tmp_path):
    answer = check_imports(copy_of_packages(repository, tmp_path / "source"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "4 kept, 0 broken" in answer.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("src/reelops/video/wrong.py", "import reelops.generators.contract"),
        ("src/reelops/metrics/wrong.py", "import reelops.generators"),
        ("src/reelops/metrics/light/wrong.py", "import reelops.metrics.catalogue"),
        ("src/reelops/errors.py", "import reelops.clip"),
        ("src/reelops/generators/wrong.py", "import tasks"),
        ("tasks/wrong.py", "import flows"),
        ("src/reelops/video/wrong.py", "import prefect"),
        ("src/reelops/utils.py", ""),
    ],
    ids=[
        "a room imports one above it",
        "a room imports its neighbour",
        "a metric imports the catalogue",
        "the errors import anything",
        "the library imports tasks",
        "a task imports a flow",
        "the library imports prefect",
        "a room has no place",
    ],
)
def test_the_import_contracts_refuse(repository, tmp_path, file, line):
    source = copy_of_packages(repository, tmp_path / "source")
    with (source / file).open("a") as module:
        module.write(f"\n{line}\n")
    answer = check_imports(source)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert Path(file).stem in answer.stdout


# ---- set-up and checks ----


def test_setup_without_a_supported_python_says_what_to_install(repository, tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(repository / "scripts/setup.sh", tmp_path / "scripts")
    answer = run("bash", "scripts/setup.sh", cwd=tmp_path, PYTHON="/bin/false")
    assert answer.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in answer.stderr
    assert "/bin/false" in answer.stderr
    assert "apt install python3.11 python3.11-venv" in answer.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_large_file_fails_the_check_unless_it_lies_in_models(repository, tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(repository / "scripts/check_sizes.sh", tmp_path / "scripts")
    for name in ("models/weights.bin", "small.bin", "large file.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(2 << 20) + (b"" if name.startswith("small") else b"1"))
    run("git", "init", "-q", cwd=tmp_path)
    run("git", "add", ".", cwd=tmp_path)
    answer = run("bash", "scripts/check_sizes.sh", cwd=tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[1:] == ["large file.bin"]


def test_continuous_integration_runs_the_two_commands_of_a_person(repository):
    script = repository / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert "make lint test" in script.read_text()
