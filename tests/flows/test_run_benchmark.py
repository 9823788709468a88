"""The benchmark flow: `python -m flows run-benchmark`, seen in a real Prefect server, in a project of its own."""

from __future__ import annotations

import json
from pathlib import Path

from studio import Server, Studio

from reelops.benchmark.summary import ProjectSummary

FIELDS = "num_frames=5,width=96,height=64,size=64p,detail=off"
LIMITS = "{latency: {relative: 5.0}, quality: {sharpness: {relative: 0.5}}, first_look: 6, looks: 1}"


def test_candidates_are_judged_in_a_run_whose_page_report_and_summary_say_so(
    bare_studio: Studio, servers: dict[str, Server], repository: Path
) -> None:
    studio, prefect = bare_studio, servers["prefect"]
    (studio.folder / "params.yaml").write_text((repository / "params.yaml").read_text())
    globs = "".join(f"{name}: [harbour.png]\n" for name in ("clips", "pictures", "product_clips", "good_clips"))
    (studio.folder / "benchmark.yaml").write_text(f"{globs}regression: {LIMITS}\n")
    done = studio.run(
        "flows",
        *("run-benchmark", "--profile", "camera-moves", "--baseline", FIELDS),
        *("--candidates", f"lighter: {FIELDS},quality=low", "--candidates", f"same: {FIELDS}"),
        PREFECT_API_URL=f"{prefect.url}/api",
        REELOPS_PARAMS_FILE=str(studio.folder / "params.yaml"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lighter passes (" in done.stdout and "same passes (" in done.stdout
    (run,) = [run for run in prefect.flow_runs("run-benchmark") if run["parameters"]["baseline"] == FIELDS]
    assert (run["state"]["name"], run["state"]["type"]) == ("Passed", "COMPLETED")
    page = prefect.artifact(run["id"])["data"]
    assert page.startswith("- lighter passes") and "Quality beside the baseline" in page
    report = json.loads((studio.folder / "reports/benchmark/generation.json").read_text())
    command = report["parts"]["clips"]["command"]
    assert command.startswith(f"reelops benchmark generation --candidate 'lighter: {FIELDS},quality=low' --candidate")
    assert {"baseline", "lighter", "same"} == set(report["parts"]["clips"]["figures"]["ways"])
    summary = ProjectSummary.model_validate_json((studio.folder / "reports/summary.json").read_text())
    assert list(summary.ways) == ["baseline", "lighter", "same"] and summary.ways["same"].answer == "pass"
    assert summary.benchmarks["generation"].targets == 2
    assert "reports/benchmark/generation.html" in {artifact.path for artifact in summary.artifacts}
