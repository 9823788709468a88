"""What makes a result: every module and library that takes part, nothing that only stands beside them."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from source_tree import SourceTree

from reelops.system import making
from reelops.system.making import making_of, modules_of

ENCODING, BY_VALUE = "reelops.training.encode", ("reelops.dataset",)
PLACES = ("training/encode.py", "training/cache.py", "cogvideox/latents.py", "video/decode.py", "video/picture.py")


def code_after(tree: SourceTree) -> str:
    return making_of(ENCODING, apart_from=BY_VALUE, source=tree.folder).code


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    return SourceTree(tmp_path)


@pytest.mark.parametrize("module", [*PLACES, "video/source.py", "video/orientation.py", "cogvideox/__init__.py"])
def test_a_change_of_any_module_that_takes_part_is_another_making(module: str, tree: SourceTree) -> None:
    tree.append(module, "\n_another = 1\n")
    assert code_after(tree) != making_of(ENCODING, apart_from=BY_VALUE).code


def test_a_change_of_data_beside_a_module_is_another_making(tree: SourceTree) -> None:
    tree.append("cogvideox/architectures/cogvideox-5b-i2v.json", " ")
    assert code_after(tree) != making_of(ENCODING, apart_from=BY_VALUE).code


@pytest.mark.parametrize("module", ["metrics/suite.py", "training/loop.py", "dataset/table.py", "errors.py", "api.py"])
def test_what_takes_no_part_changes_nothing(module: str, tree: SourceTree) -> None:
    tree.append(module, "\n_another = 1\n")
    assert code_after(tree) == making_of(ENCODING, apart_from=BY_VALUE).code


def test_comments_docstrings_and_layout_change_nothing(tree: SourceTree) -> None:
    for module in PLACES:
        path = tree.folder / "reelops" / module
        parsed = ast.parse(path.read_text(encoding="utf-8"))
        path.write_text(f"# A comment.\n{ast.unparse(parsed)}\n", encoding="utf-8")
        tree.append(module, '"""What a constant means."""\n')
    assert code_after(tree) == making_of(ENCODING, apart_from=BY_VALUE).code


def test_a_module_that_somebody_begins_to_import_takes_part_from_then_on(tree: SourceTree) -> None:
    tree.append(
        "video/decode.py", "\n\ndef _later() -> None:\n    from reelops.augment import grading\n    del grading\n"
    )
    after = modules_of(ENCODING, apart_from=BY_VALUE, source=tree.folder)
    assert set(after) - set(modules_of(ENCODING, apart_from=BY_VALUE)) == {"reelops.augment", "reelops.augment.grading"}


def test_everything_that_python_itself_imports_takes_part() -> None:
    """Python's own answer: the modules that stand in `sys.modules` once the stage's module was imported."""
    code = f"import sys, {ENCODING}; print(*(name for name in sys.modules if name.startswith('reelops.')))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    never = {*making.NEVER_DECIDE, "dataset"}
    deciding = {name for name in told if name.split(".")[1] not in never}
    assert deciding and deciding <= set(modules_of(ENCODING, apart_from=BY_VALUE))


@pytest.mark.parametrize(
    ("module", "library"),
    [
        (ENCODING, "av"),
        (ENCODING, "diffusers"),
        (ENCODING, "opencv-contrib-python"),
        (ENCODING, "torch"),
        (ENCODING, "transformers"),
        ("reelops.validation.reload", "peft"),
        ("reelops.training.loop", "accelerate"),
    ],
)
def test_another_version_of_a_library_is_another_making(
    module: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, version = making_of(module), metadata.version
    assert f"{library} {version(library)}" in before.libraries
    making._making_of.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda name: "99" if name == library else version(name))
        after = making_of(module)
    making._making_of.cache_clear()
    assert after.digest != before.digest and after.code == before.code


def test_names_that_differ_from_what_is_installed_are_those_that_the_packages_tell() -> None:
    told = metadata.packages_distributions()
    for name, installed in making._INSTALLED_AS.items():
        assert installed in {one.lower() for one in told[name]}


def test_a_module_that_is_not_there_is_a_fault_of_ours() -> None:
    with pytest.raises(LookupError, match=r"no module reelops\.training\.encoder"):
        making_of("reelops.training.encoder")
