"""Files of orders: whichever way they are written, the same orders; and what is wrong is told by row and field."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.errors import InputError, PictureError
from reelops.production.batch.requests import Request, check_requests, read_requests
from reelops.video.picture import probe_picture

ROWS = [
    {"image_path": "a.png", "prompt": "pan left, slowly", "num_inference_steps": 4, "output": "one"},
    {"image_path": "b.png", "prompt": "“zoom” in\nand out", "seed": 7, "guidance_scale": 1.5, "x-desk": "city"},
]
WRITTEN = {
    "jobs.json": json.dumps(ROWS),
    "object.json": json.dumps({"defaults": {"seed": 7}, "jobs": [{**ROWS[0], "seed": 0}, ROWS[1]]}),
    "jobs.jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n",
    "jobs.csv": "Image Path,prompt,num_inference_steps,output,seed,guidance_scale,x-desk\r\n"
    'a.png,"pan left, slowly",4,one,,,\r\n\r\nb.png,"“zoom” in\nand out",,,7,1.5,city\r\n',
    "semicolons.csv": "image_path;prompt;steps;output;seed;guidance\n"
    'a.png;pan left, slowly;4;one.mp4;0;\nb.png;"“zoom” in\nand out";;;7;1.5\n',
    "jobs.tsv": "picture\tprompt\tsteps\toutput\tseed\tguidance\n"
    'a.png\tpan left, slowly\t4\tone\t\t\nb.png\t"“zoom” in\nand out"\t\t\t7\t1.5\n',
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    for name, text in WRITTEN.items():
        (tmp_path / name).write_bytes(text.encode())
    import pandas as pd

    pd.DataFrame(ROWS).to_parquet(tmp_path / "jobs.parquet")
    return tmp_path


@pytest.mark.parametrize("name", [*WRITTEN, "jobs.parquet"])
def test_every_kind_of_file_gives_the_same_orders(written: Path, name: str) -> None:
    assert list(read_requests(written / name)) == [
        Request(ClipOrder(picture=written / "a.png", prompt="pan left, slowly", steps=4), "one"),
        Request(ClipOrder(picture=written / "b.png", prompt="“zoom” in\nand out", seed=7, guidance=1.5)),
    ]


def test_a_path_counts_from_the_working_folder_before_that_of_the_file(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "a.png").touch()
    monkeypatch.chdir(here)
    first, second = read_requests(written / "jobs.json")
    assert (first.order.picture, second.order.picture) == (here / "a.png", written / "b.png")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("j.csv", "picture,prompt,steps\na.png,pan left,many\n", "j.csv, row 1 (line 2): steps is 'many'"),
        ("j.csv", "picture,prompt\na.png,pan left\n\na.png,\n", "row 2 (line 4): prompt"),
        ("j.csv", "picture,prompt\na.png,pan left, slowly\n", "row 1 (line 2) has 3 fields, and the header 2"),
        ("j.csv", "picture,prompt,picture\na.png,x,b.png\n", "two columns 'picture'"),
        ("j.csv", 'picture,prompt\na.png,"no end\n', "row 1 (line 2) cannot be read"),
        ("j.json", '[{"picture": "a.png", "prompt": "x", "promt": "y"}]', "no field 'promt'. Did you mean prompt?"),
        ("j.json", '[{"picture": "a.png", "prompt": "x", "image": "y"}]', "image says picture again"),
        ("j.json", '[{"picture": "a.png", "prompt": "x", "seed": -1}]', "row 1: seed is -1"),
        ("j.json", '[{"picture": "a.png", "prompt": "x", "output": "../x"}]', "give a name without folders"),
        ("j.json", '[{"picture": "a.png", "prompt": "x", "output": "\\ud83d"}]', "which is no Unicode"),
        ("j.json", '["a.png"]', 'row 1 is "a.png", and an order is an object'),
        ("j.json", '{"orders": []}', "has 'orders'; an object has the list `jobs`"),
        ("j.json", '{"a', "is not JSON"),
        ("j.jsonl", '{"picture": "a.png", "prompt": "x"}\n\n{"picture"\n', "row 2 (line 3) is not JSON"),
        ("j.parquet", "PAR1 not really", "is no Parquet file"),
        ("j.xlsx", "", "is no file of orders; these end in .json"),
    ],
)
def test_what_is_wrong_is_told_by_row_and_field(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as error:
        list(read_requests(tmp_path / name))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("j.json", '[7, {"picture": "a.png", "prompt": "x"}]'),
        ("j.jsonl", '{"picture"\n{"picture": "a.png", "prompt": "x"}\n'),
        ("j.csv", "picture,prompt\na.png,x,y\na.png,x\n"),
    ],
)
def test_after_a_row_that_is_none_the_others_are_read(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    rows, problems = check_requests(tmp_path / name, lambda _: None)
    assert (rows, problems.rows) == (2, {1}) and f"{name}, row 1" in problems.kept[0]
    assert [request.order.prompt for request in read_requests(tmp_path / name, problems.rows)] == ["x"]


def test_all_rows_are_looked_at_and_each_bad_one_is_named(tmp_path: Path) -> None:
    rows = [{"picture": f"{n}.png", "prompt": "zoom in" if n != 1 else " ", "output": f"O{n // 4}"} for n in range(5)]
    (tmp_path / "jobs.json").write_text(json.dumps(rows))

    def check(order: ClipOrder) -> None:
        if order.picture.stem == "4":
            raise PictureError("4.png does not exist")

    rows_there, problems = check_requests(tmp_path / "jobs.json", check)
    assert (rows_there, problems.count, problems.rows) == (5, 4, {2, 3, 4, 5})
    assert [line.partition("jobs.json, ")[2][:28] for line in problems.kept] == [
        "row 2: prompt is ' ': say in",
        "row 3: output 'O0' is that o",
        "row 4: output 'O0' is that o",
        "row 5: 4.png does not exist",
    ]
    assert len(list(read_requests(tmp_path / "jobs.json", problems.rows))) == 1


def test_the_sample_is_what_the_page_shows(repository: Path) -> None:
    sample = repository / "data/samples/batch_jobs.json"
    assert sample.read_text() in (repository / "docs/batch.md").read_text()
    first, second = read_requests(sample)
    assert (first.order.picture.name, first.order.size, second.output) == ("coffee.jpg", "480p", "launch")
    assert first.order.picture.is_file() and second.order.picture.is_file()


def test_a_long_file_is_read_as_it_comes(tmp_path: Path) -> None:
    with (tmp_path / "jobs.csv").open("w") as file:
        file.write("picture,prompt,seed\n")
        file.writelines(f"/pictures/a.png,pan left along the quay,{n}\n" for n in range(4_000))
    tracemalloc.start()
    count = sum(1 for _ in read_requests(tmp_path / "jobs.csv"))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 4_000 and peak_bytes < 500_000


def test_a_clips_name_depends_on_its_order_alone(tmp_path: Path) -> None:
    order = ClipOrder(picture=tmp_path / "a.png", prompt="pan left", seed=3)
    plain, named = Request(order), Request(order, output="quay")
    assert plain.clip_of_try(tmp_path, "0123456789abcdef-2", 0).name == "a-pan-left-seed3-01234567-2.mp4"
    assert plain.clip_of_try(tmp_path, "0123456789abcdef", 1).name == "a-pan-left-seed1000006-01234567.mp4"
    assert [named.clip_of_try(tmp_path, "01", tries).name for tries in (0, 1)] == ["quay.mp4", "quay-try2.mp4"]
    assert named.order_of_try(1).seed == 1_000_006
    assert Request.from_json(json.loads(json.dumps(named.to_json()))) == named
    assert named.to_json()["order"].keys() == {"picture", "prompt", "seed"}, (
        "a later field makes no other request of it"
    )


def test_a_path_too_long_for_any_disk_is_an_order_that_the_check_refuses(tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(json.dumps([{"picture": "x" * 5000, "prompt": "x"}]))
    (request,) = read_requests(tmp_path / "jobs.json")
    assert request.order.picture.name == "x" * 5000


def test_further_adapters_count_from_the_folder_of_the_file_too(written: Path, tmp_path: Path) -> None:
    (tmp_path / "dusk").mkdir()
    row = {"picture": "a.png", "prompt": "x", "adapter": "dusk", "more_adapters": "dusk=0.5, /rain"}
    (tmp_path / "jobs.json").write_text(json.dumps([row]))
    (request,) = read_requests(tmp_path / "jobs.json")
    assert request.order.adapters == ((tmp_path / "dusk", 1.0), (tmp_path / "dusk", 0.5), (Path("/rain"), 1.0))
    (tmp_path / "a, b").mkdir()
    (tmp_path / "a, b" / "jobs.json").write_text(json.dumps([{**row, "adapter": "/rain", "more_adapters": "snow"}]))
    (tmp_path / "a, b" / "snow").mkdir()
    with pytest.raises(InputError, match=r"more_adapters names .*, and commas part its adapters"):
        list(read_requests(tmp_path / "a, b" / "jobs.json"))


@pytest.mark.parametrize("picture", ["~nobody-of-this-name/a.png", "x" * 300 + ".png", "a/" * 2100 + "b.png"])
def test_a_name_that_no_disk_or_machine_has_is_one_rows_problem(picture: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(json.dumps([{"picture": picture, "prompt": "pan left"}, ROWS[0]]))
    (tmp_path / "a.png").touch()
    count, problems = check_requests(tmp_path / "jobs.json", lambda order: probe_picture(order.picture))
    assert count == 2 and [line.split(":")[0] for line in problems.kept] == [
        f"{tmp_path / 'jobs.json'}, row {number}" for number in (1, 2)
    ]
