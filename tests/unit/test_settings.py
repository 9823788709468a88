"""Settings: found from any folder, set by the environment, refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelops import settings as settings_module
from reelops.cogvideox.profiles import find_profile
from reelops.errors import InputError, SettingsError
from reelops.gate.limits import require_profile
from reelops.params import find_files, load_config
from reelops.scoring.outputs import check_files
from reelops.settings import find_params_file, load_settings, shipped_folder


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in ("PARAMS_FILE", "HOME", "MLFLOW_TRACKING_URI", "PREFECT_API_URL"):
        monkeypatch.delenv(f"REELOPS_{name}", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def test_from_anywhere_the_checkout_is_found(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.params_file == repository / "params.yaml"
    assert settings.home == repository / ".reelops"
    assert settings.mlflow_tracking_uri == f"sqlite:///{repository / '.reelops' / 'mlflow.db'}"
    assert settings.outputs == settings.home / "outputs"
    assert settings.prefect_api_url is None


def test_a_project_of_ones_own_counts_before_the_checkout(tmp_path):
    (tmp_path / "params.yaml").write_text("profiles:\n  a: {}\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    assert find_params_file(tmp_path / "deep" / "er") == tmp_path / "params.yaml"


def test_params_of_another_dvc_project_are_passed_by(tmp_path, repository):
    (tmp_path / "params.yaml").write_text("train:\n  lr: 1\n")
    assert find_params_file(tmp_path) == repository / "params.yaml"


def test_the_environment_decides(tmp_path, monkeypatch):
    monkeypatch.setenv("REELOPS_HOME", str(tmp_path / "stores"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert load_settings().mlflow_tracking_uri == "http://127.0.0.1:5000"
    monkeypatch.setenv("REELOPS_MLFLOW_TRACKING_URI", "http://127.0.0.1:5001")
    settings = load_settings()
    assert settings.home == tmp_path / "stores" and settings.cache == tmp_path / "stores" / "cache"
    assert settings.mlflow_tracking_uri == "http://127.0.0.1:5001"
    assert load_settings(mlflow_tracking_uri="sqlite:///x.db").mlflow_tracking_uri == "sqlite:///x.db"


def test_a_value_that_cannot_be_used_names_its_variable():
    with pytest.raises(SettingsError, match="REELOPS_HOME is 7"):
        load_settings(home=7)


@pytest.mark.parametrize("block", ["profiles", "gate", "score"])
def test_a_params_file_with_only_some_blocks_counts(tmp_path, block):
    (tmp_path / "params.yaml").write_text(f"{block}: {{}}\n")
    assert find_params_file(tmp_path) == tmp_path / "params.yaml"


@pytest.mark.parametrize(
    "text", ["dataset:\n  sources:\n", "train:\n  name: a\ndataset: # mine\n\n  # one\n  sources: []\n"]
)
def test_a_params_file_that_names_sources_of_clips_counts(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    assert find_params_file(tmp_path) == tmp_path / "params.yaml"


def test_a_data_set_of_another_kind_is_another_projects(tmp_path, repository):
    (tmp_path / "params.yaml").write_text("dataset:\n  path: data.csv\nsources:\n  - a\n")
    assert find_params_file(tmp_path) == repository / "params.yaml"


def test_in_a_checkout_what_reelops_ships_is_at_its_root(repository):
    assert shipped_folder() == repository


def test_the_embedded_model_is_the_shipped_one_where_a_project_has_none(tmp_path, repository):
    (tmp_path / "params.yaml").write_text("gate: {}\n")
    settings = load_settings(params_file=tmp_path / "params.yaml")
    tiny = Path("models/tiny-i2v")
    assert settings.locate(tiny) == repository / tiny
    (tmp_path / tiny).mkdir(parents=True)
    assert settings.locate(tiny) == tmp_path / tiny
    assert settings.locate(Path("models")) == tmp_path / "models"
    assert settings.locate(Path("data")) == tmp_path / "data"


def test_nothing_is_made_to_learn_whether_the_home_folder_can_be_written(tmp_path):
    (tmp_path / "a-file").touch()
    assert load_settings(home=tmp_path / "stores" / "deep").problem_of_home is None
    assert load_settings(home=tmp_path / "a-file" / "stores").problem_of_home == "cannot be written"
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_a_home_without_room_for_a_run_is_refused_before_the_work(tmp_path, monkeypatch):
    load_settings(home=tmp_path).require_home()
    monkeypatch.setattr(settings_module, "LEAST_ROOM_BYTES", 10**18)
    with pytest.raises(
        SettingsError, match=r"where runs are kept, has \d+ MB of room, and a run needs .* REELOPS_HOME"
    ):
        load_settings(home=tmp_path / "stores").require_home()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("REELOPS_HOMES", r"REELOPS_HOMES in the environment sets nothing\. Did you mean REELOPS_HOME\?"),
        ("REELOPS_PARAM_FILE", "Did you mean REELOPS_PARAMS_FILE"),
        ("REELOPS_QQ", "There are: REELOPS_PARAMS_FILE, REELOPS_HOME"),
    ],
)
def test_a_variable_that_sets_nothing_is_refused_with_the_nearest_name(monkeypatch, name, told):
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=told):
        load_settings()


@pytest.mark.parametrize(
    "name", ["REELOPS_TEST_MEDIA", "REELOPS_MLFLOW_SERVICE_HOST", "REELOPS_PORT", "REELOPS_MLFLOW_PORT_5000_TCP_ADDR"]
)
def test_variables_of_tests_and_those_that_kubernetes_sets_are_passed_by(monkeypatch, name):
    monkeypatch.setenv(name, "x")
    load_settings()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_params_file_counts_in_whatever_encoding_an_editor_saved_it(tmp_path, encoding):
    (tmp_path / "params.yaml").write_text("# mine\nscore:\n  temporal_rows: 160\n", encoding=encoding)
    assert find_params_file(tmp_path) == tmp_path / "params.yaml"


NOBODY = "~nobody-of-this-name/x"


@pytest.mark.parametrize(
    "use",
    [
        lambda config: load_settings(home=NOBODY),
        lambda config: load_settings(params_file=NOBODY),
        lambda config: config.settings.locate(Path(NOBODY)),
        lambda config: find_profile(NOBODY, config),
        lambda config: require_profile(NOBODY, config, "gate.x"),
        lambda config: find_files([NOBODY], config.root, "held_out"),
    ],
)
def test_the_home_of_a_user_whom_the_machine_does_not_have_is_refused_in_one_line(use, repository):
    with pytest.raises(
        SettingsError, match=rf"^{NOBODY} begins with the home folder of a user, and this machine has no"
    ):
        use(load_config(params_file=repository / "params.yaml"))


def test_links_that_lead_round_in_a_circle_are_a_place_where_nothing_is(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SettingsError, match=r"There is no .*loop\."):
        load_config(params_file=tmp_path / "loop")
    settings = load_settings(home=tmp_path / "loop")
    assert settings.locate(tmp_path / "loop/model") == tmp_path / "loop/model"
    with pytest.raises(SettingsError, match=r"loop, where runs are kept, cannot be written"):
        settings.require_home()
    assert find_files([str(tmp_path / "loop" / "*")], tmp_path, "held_out") == ([], [str(tmp_path / "loop" / "*")])
    with pytest.raises(InputError, match=r"loop/scores\.csv cannot be written"):
        check_files([tmp_path / "loop" / "scores.csv"], [tmp_path / "loop" / "clip.mp4"])
