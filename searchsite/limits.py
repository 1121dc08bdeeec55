"""The settings that bound what one request, one person and one file may use: docs/limits.md has all limits."""

from __future__ import annotations

import re

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

WAITING, BODIES, SPARE = 64, 192, 8
"""Of a web process: requests that wait for a desk, bodies that are waited for, threads for what is said at once."""


class Limits(BaseSettings):
    """A part of the configuration."""

    web_threads: int = Field(
        16,
        ge=1,
        le=256,
        description="Requests that a web process works on at a time, each with a connection to the database.",
    )
    web_connections: int = Field(
        4096,
        ge=64,
        le=65_536,
        description="Connections that a web process has at a time; past half of them, each network keeps its share.",
    )
    answer_streams: int = Field(
        4, ge=1, le=64, description="Answers that a web process writes at a time; each takes up to two minutes."
    )
    max_file_bytes: int = Field(50 * 2**20, description="Largest picture accepted, in bytes.")
    max_text_bytes: int = Field(2 * 2**20, description="Largest text accepted, in bytes.")
    min_free_bytes: int = Field(2**30, ge=0, description="Free bytes (5 % of a small disk) below which intake pauses.")
    upload_hours: int = Field(24, ge=1, le=720, description="Hours that an upload that broke off waits to be resumed.")
    zip_items: int = Field(5000, ge=1, le=10_000, description="Most items in one zip that is downloaded.")
    zip_bytes: int = Field(10 * 2**30, ge=1, description="Most bytes of files in one zip that is downloaded.")
    zip_streams: int = Field(2, ge=1, description="Zips that one web process sends at a time; each holds a thread.")
    zip_hours: float = Field(6, gt=0, le=72, description="Hours after which a zip still on its way is broken off.")
    max_pixels: int = Field(
        50_000_000, description="Largest width x height accepted (20 times as many over all frames)."
    )
    requests_per_minute: int = Field(
        6000, ge=0, description="Requests of one person or token a minute; 0: as many as they like (so below)."
    )
    visits_per_minute: int = Field(
        600, ge=0, description="Requests a minute of one address that nobody signed in from."
    )
    searches_per_minute: int = Field(600, ge=0, description="Searches of one person or token a minute.")
    searches_at_once: int = Field(
        2, ge=0, description="Searches of one person or token that a web process runs at once."
    )
    uploads_per_minute: int = Field(
        6000, ge=0, description="Files and texts that one person or token puts in a minute."
    )
    team_uploads_per_minute: int = Field(12_000, ge=0, description="Files and texts that a team puts in a minute.")
    questions_per_minute: int = Field(
        30, ge=0, description="Questions of one person or token to the answerer a minute."
    )
    pictures_per_minute: int = Field(
        60, ge=0, description="Pictures that one person or token hands in a minute to search by."
    )
    download_streams: int = Field(
        24, ge=1, le=256, description="Large files that one web process sends at a time; one person has at most six."
    )
    web_statement_seconds: float = Field(
        5, ge=0.1, le=600, description="The longest that a statement may take of a page or of an API call."
    )
    worker_statement_seconds: float = Field(
        60, ge=1, le=3600, description="The longest that a statement may take of a worker or of a command."
    )
    lock_seconds: float = Field(
        3, ge=0.1, le=60, description="The longest that a page or an API call waits for a row that another one changes."
    )
    client_seconds: float = Field(
        30,
        ge=1,
        le=600,
        description="How long a client has to send 64 KiB or the rest, and to take 8 KiB for each second.",
    )
    visitor_header: str = Field(
        "X-Forwarded-For",
        description="Header in which TRUSTED_PROXIES say where a visitor is; best one without a hyphen.",
    )

    @field_validator("visitor_header")
    @classmethod
    def _is_a_header(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", value):
            raise ValueError("it must be the name of a header, of letters, digits and hyphens")
        return value

    @property
    def blocking_threads(self) -> int:
        """A thread of a web process for each that may hold one for long, and some more: these can always be had."""
        streams = self.answer_streams + self.zip_streams + self.download_streams
        return self.web_threads + WAITING + BODIES + streams + SPARE
