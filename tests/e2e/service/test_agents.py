"""Agents ask for clips as their programs do: by a real MCP client, on a pipe and over HTTP, on one ledger."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from agent_client import LEGACY, TODAY, ask, on_pipe, over_http, refused, until
from mcp import Client, MCPError
from mcp.types import ImageContent, ResourceLink
from service_client import Service, environment_of, picture

CLIP = {"prompt": "pan left", "profile": "moves"}
PHOTO = {"picture_base64": base64.b64encode(picture()).decode()}
LONG = {"prompt": "pan left", "profile": "long", **PHOTO}
Came = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an agent works: a picture, and a link that leads out."""
    folder = tmp_path_factory.mktemp("agent")
    (folder / "photo.png").write_bytes(picture())
    (folder / "notes.txt").write_text("hello")
    (folder.parent / "secret.png").write_bytes(picture(1))
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    return folder


@pytest.fixture(scope="module", params=["pipe", "http"])
def come(request: pytest.FixtureRequest, service: Service, folder: Path) -> Came:
    """How an agent comes in: on a pipe, as whoever uses the machine, or over HTTP with its token."""

    @asynccontextmanager
    async def came(mode: str = TODAY) -> AsyncIterator[Client]:
        where = on_pipe(service.environment, folder, mode=mode)
        async with where if request.param == "pipe" else over_http(service.url, service.token, mode) as client:
            yield client

    return came


def run(agent: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def within_time() -> None:
        with anyio.fail_after(90):
            await agent()

    anyio.run(within_time)


@pytest.mark.parametrize("mode", [TODAY, LEGACY])
def test_a_picture_goes_in_and_a_clip_comes_out_with_progress(come: Came, mode: str, service: Service) -> None:
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert total == 100 and message
        heard.append(progress)

    async def agent() -> None:
        async with come(mode) as client:
            job = await ask(client, "submit_clip", **CLIP, **PHOTO, seed=101)
            assert job["state"] in ("waiting", "running") and "wait_for_job" in job["next"]
            waited = await client.call_tool(
                "wait_for_job", {"job_id": job["id"], "seconds": 50}, progress_callback=hear
            )
            assert waited.structured_content is not None and waited.structured_content["state"] == "done"
            result = await client.call_tool("get_result", {"job_id": job["id"]})
            told = result.structured_content
            assert told is not None and told["verdict"] in ("accept", "review")
            assert 0 <= told["temporal_score"] <= 1 and told["order"]["prompt"] == "pan left"
            links = [one for one in result.content if isinstance(one, ResourceLink)]
            assert [link.mime_type for link in links] == ["video/mp4", "image/jpeg"]
            (sheet,) = (one for one in result.content if isinstance(one, ImageContent))
            assert base64.b64decode(sheet.data)[:2] == b"\xff\xd8"
            (read,) = (await client.read_resource(links[0].uri)).contents
            clip = base64.b64decode(read.blob)  # type: ignore[union-attr] # it is no text
            assert hashlib.sha256(clip).hexdigest() == told["sha256"] and len(clip) == links[0].size
            assert reached(service, told["files"][0]) == clip

    run(agent)
    assert heard == sorted(set(heard)) and heard[-1] == 100, heard


def reached(service: Service, file: dict[str, Any]) -> bytes:
    """A file as who is on the machine reaches it, or who is not."""
    assert (file["path"] is None) != (file["url"] is None)
    if file["path"] is not None:
        return Path(file["path"]).read_bytes()
    return httpx.get(file["url"], headers={"Authorization": f"Bearer {service.token}"}).content


def test_a_job_is_cancelled_by_its_tool_and_by_the_call_that_asks_for_it(come: Came) -> None:
    async def agent() -> None:
        async with come() as client:
            first, second = [(await ask(client, "submit_clip", **LONG, seed=seed))["id"] for seed in (1, 2)]
            await until(client, first, "running")
            assert "call wait_for_job" in await refused(client, "get_result", job_id=first)
            with anyio.move_on_after(0.5):
                await client.call_tool("wait_for_job", {"job_id": first, "seconds": 50})
            assert (await ask(client, "job_status", job_id=first))["cancel_asked"] is False, "a call is not the job"
            with anyio.move_on_after(0.5):
                await client.call_tool("wait_for_job", {"job_id": first, "seconds": 50, "cancel_job_with_call": True})
            assert (await until(client, first, "cancelled"))["files"] == []
            await ask(client, "cancel_job", job_id=second)
            assert (await until(client, second, "cancelled"))["reason"] == "cancelled as asked"

    run(agent)


def test_two_keys_see_nothing_of_each_other(service: Service) -> None:
    mine, other = service.new_key("mine"), service.new_key("other")

    async def agent() -> None:
        async with over_http(service.url, mine) as owner, over_http(service.url, other) as stranger:
            job = await ask(owner, "submit_clip", **CLIP, **PHOTO, seed=7, wait_seconds=50)
            assert job["state"] == "done"
            for tool in ("job_status", "wait_for_job", "get_result", "cancel_job"):
                assert "There is no job" in await refused(stranger, tool, job_id=job["id"])
            assert "There is no job" in await refused(stranger, "compare_clips", first=job["id"], second=job["id"])
            assert (await ask(stranger, "list_jobs"))["jobs"] == []
            for file in job["files"]:
                with pytest.raises(MCPError, match="There is no job"):
                    await stranger.read_resource(file["resource"])
            seen = (await ask(owner, "list_jobs"))["jobs"]
            assert [one["id"] for one in seen] == [job["id"]]

    run(agent)


def test_a_key_does_what_its_scopes_say_and_no_more(service: Service) -> None:
    reader = service.new_key("reader", "--scopes", "read")
    kept = service.home / "service" / "uploads"

    async def agent() -> None:
        async with over_http(service.url, reader) as client:
            before = sum(1 for _ in kept.rglob("*"))
            sent = base64.b64encode(picture(99)).decode()
            for tool, arguments in (
                ("submit_clip", {**CLIP, "picture_base64": sent}),
                ("score_clip", {"clip_base64": sent}),
            ):
                assert "needs the scope" in await refused(client, tool, **arguments)
            assert sum(1 for _ in kept.rglob("*")) == before, "nothing of theirs is kept"
            assert (await ask(client, "list_jobs"))["jobs"] == []

    run(agent)


def test_a_session_is_for_the_key_that_began_it(service: Service) -> None:
    address = f"{service.url}/mcp"
    begin = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    accept = {"Accept": "application/json, text/event-stream"}
    mine, other = ({**accept, "Authorization": f"Bearer {service.new_key(name)}"} for name in ("begins", "comes"))
    begun = httpx.post(address, json=begin, headers=mine)
    session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
    listed = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert httpx.post(address, json=listed, headers={**mine, **session}).status_code == 200
    assert httpx.post(address, json=listed, headers={**other, **session}).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer nobody"}, 401),
        ({"Authorization": "", "Cookie": "reelops_session=TOKEN"}, 401),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "elsewhere.example"}, 421),
    ],
)
def test_the_door_is_closed_to_strangers_and_to_pages_of_other_sites(
    service: Service, headers: dict[str, str], status: int
) -> None:
    sent = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json", **headers}
    sent = {name: value.replace("TOKEN", service.token) for name, value in sent.items()}
    assert httpx.post(f"{service.url}/mcp", content=b"{}", headers=sent).status_code == status


def test_what_cannot_be_done_is_said_in_one_line(service: Service) -> None:
    async def agent() -> None:
        async with over_http(service.url, service.token) as client:
            for told, tool, arguments in (
                ("submit_clip has no argument 'promt'. Did you mean prompt?", "submit_clip", {**CLIP, "promt": "x"}),
                ("Give either picture", "submit_clip", CLIP),
                ("Give either picture", "submit_clip", {**CLIP, **PHOTO, "picture": "photo.png"}),
                ("picture is no base64", "submit_clip", {**CLIP, "picture_base64": "?"}),
                ("picture is empty", "submit_clip", {**CLIP, "picture": "data:image/png;base64,"}),
                ("There is no profile 'mooves'. Did you mean", "submit_clip", {**CLIP, **PHOTO, "profile": "mooves"}),
                ("steps is 0", "submit_clip", {**CLIP, **PHOTO, "steps": 0}),
                ("prompt", "submit_clip", {**PHOTO}),
                ("adapter '../../etc'", "submit_clip", {**CLIP, **PHOTO, "adapter": "../../etc"}),
                ("There is no job", "job_status", {"job_id": "../../etc/passwd"}),
                ("seconds is 5000", "wait_for_job", {"job_id": "x", "seconds": 5000}),
                ("There is no tool 'submit'", "submit", {}),
            ):
                assert told in await refused(client, tool, **arguments)

    run(agent)


def test_files_are_read_below_the_agents_folder_alone(service: Service, folder: Path) -> None:
    async def agent() -> None:
        async with on_pipe(service.environment, folder) as client:
            job = await ask(client, "submit_clip", **CLIP, picture="photo.png", seed=5)
            assert job["order"]["picture"]["name"] == "photo.png"
            same = await ask(client, "submit_clip", **CLIP, picture=(folder / "photo.png").as_uri(), seed=5)
            assert same["order"] == job["order"]
            for named in ("../secret.png", "link.png", str(folder.parent / "secret.png"), "/etc/passwd", "/none"):
                assert "is not below" in await refused(client, "submit_clip", **CLIP, picture=named)
            assert "notes.txt is a text file" in await refused(client, "submit_clip", **CLIP, picture="notes.txt")
        async with over_http(service.url, service.token) as client:
            told = await refused(client, "submit_clip", **CLIP, picture=str(folder / "photo.png"))
            assert "this server reads no files" in told

    run(agent)


def test_clips_are_scored_and_held_beside_each_other(service: Service, done: dict[str, Any]) -> None:
    async def agent() -> None:
        async with over_http(service.url, service.token) as client:
            other = await ask(client, "submit_clip", **{**CLIP, "prompt": "zoom in"}, seed=9, **PHOTO, wait_seconds=50)
            pair = await ask(client, "compare_clips", first=done["id"], second=other["id"])
            assert pair["asked_differently"] == ["prompt", "seed"]
            same = await ask(client, "compare_clips", first=done["id"], second=done["id"])
            assert same["first_is_better_in"] == same["second_is_better_in"] == 0 and same["asked_differently"] == []
            steadiness = pair["metrics"]["temporal_consistency"]
            higher = "first" if steadiness["first"] > steadiness["second"] else "second"
            assert steadiness["better"] in (higher, "same")
            clip = (await client.read_resource(other["files"][0]["resource"])).contents[0]
            scored = await ask(client, "score_clip", clip_base64=clip.blob, profile="moves", wait_seconds=50)  # type: ignore[union-attr]
            assert scored["state"] in ("done", "rejected") and scored["kind"] == "score"
            assert scored["temporal_score"] == pytest.approx(other["temporal_score"], abs=0.05)
            assert "is no video" in await refused(client, "score_clip", clip_base64=PHOTO["picture_base64"])
            models = await ask(client, "list_models")
            assert "moves" in models["profiles"] and "optimized" in models["recipes"]

    run(agent)


def test_an_agent_is_told_that_no_worker_runs_and_one_beside_it_makes_the_clip(tmp_path: Path) -> None:
    environment = environment_of(tmp_path)

    async def agent() -> None:
        async with on_pipe(environment, tmp_path) as client:
            job = await ask(client, "submit_clip", **CLIP, **PHOTO)
            assert job["state"] == "waiting" and "No worker runs on this machine" in job["next"]
        async with on_pipe(environment, tmp_path, "--worker") as client:
            assert (await until(client, job["id"], "done"))["verdict"] == "accept"

    run(agent)
    assert "Traceback" not in (tmp_path / "mcp.log").read_text()


def test_tools_say_what_they_take_and_whether_they_change_anything(service: Service) -> None:
    async def agent() -> None:
        async with over_http(service.url, service.token) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) >= {"submit_clip", "wait_for_job", "get_result", "cancel_job", "score_clip"}
            asked = tools["submit_clip"].input_schema
            assert asked["required"] == ["prompt"] and asked["properties"]["steps"]["description"] == "Sampling steps."
            assert not {"more_adapters", "other_base"} & set(asked["properties"])
            for tool in tools.values():
                assert tool.output_schema is not None and tool.annotations is not None and tool.description
                assert tool.input_schema["additionalProperties"] is False
                assert all("description" in one for one in tool.input_schema["properties"].values()), tool.name

    run(agent)
