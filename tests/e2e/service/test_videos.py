"""OpenAI's own client makes, looks at, fetches and removes a video here."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from service_client import Service, picture

# What OpenAI's own service does is no matter here: its form of requests is what others speak, too.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


@pytest.fixture(scope="module")
def openai_client(service: Service) -> openai.OpenAI:
    return openai.OpenAI(api_key=service.token, base_url=f"{service.url}/v1", max_retries=0)


def create(client: openai.OpenAI, **fields: Any) -> Any:
    image = ("photo.png", picture(), "image/png")
    return client.videos.create(**{"prompt": "zoom in", "model": "moves", "input_reference": image, **fields})


def test_a_video_is_created_polled_downloaded_listed_and_deleted(
    openai_client: openai.OpenAI, service: Service
) -> None:
    video = create(openai_client)
    assert video.status in ("queued", "in_progress") and video.object == "video" and video.model == "moves"
    video = openai_client.videos.poll(video.id, poll_interval_ms=100)
    assert (video.status, video.progress, video.size, video.seconds) == ("completed", 100, "64x48", "0.625")
    assert video.completed_at is not None and video.completed_at >= video.created_at
    content = openai_client.videos.download_content(video.id)
    assert content.read()[4:8] == b"ftyp"
    assert openai_client.videos.download_content(video.id, variant="spritesheet").read()[:2] == b"\xff\xd8"
    (sheet,) = service.home.rglob(f"{video.id.removeprefix('video_')}*.jpg")
    sheet.unlink()
    with pytest.raises(openai.NotFoundError):
        openai_client.videos.download_content(video.id, variant="spritesheet")
    assert video.id in [one.id for one in openai_client.videos.list(limit=100)]
    gone = openai_client.videos.delete(video.id)
    assert gone.deleted and gone.id == video.id
    with pytest.raises(openai.NotFoundError):
        openai_client.videos.retrieve(video.id)


def test_pages_are_read_to_their_end(openai_client: openai.OpenAI) -> None:
    made = [create(openai_client, prompt=f"pan left {n}").id for n in range(3)]
    seen = [video.id for video in openai_client.videos.list(limit=2)]
    assert len(seen) == len(set(seen)) and set(made) <= set(seen)
    oldest_first = [video.id for video in openai_client.videos.list(limit=2, order="asc")]
    assert oldest_first[: len(seen)] == seen[::-1]


def test_problems_reach_the_client_as_its_own_errors(openai_client: openai.OpenAI, service: Service) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="There is no profile 'sora-2'"):
        create(openai_client, model="sora-2")
    with pytest.raises(openai.UnprocessableEntityError, match="clips are made from a picture here"):
        openai_client.videos.create(prompt="zoom in")
    stranger = openai.OpenAI(api_key="nobody", base_url=f"{service.url}/v1", max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="The key is not known here"):
        stranger.videos.list()
