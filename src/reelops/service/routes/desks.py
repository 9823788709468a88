"""The desk, as handlers get it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from reelops.service.desk import JobDesk
from reelops.service.news import JobNews


def _desk(request: Request) -> JobDesk:
    desk: JobDesk = request.app.state.desk
    return desk


def _news(request: Request) -> JobNews:
    news: JobNews = request.app.state.news
    return news


AtDesk = Annotated[JobDesk, Depends(_desk)]
Listening = Annotated[JobNews, Depends(_news)]
