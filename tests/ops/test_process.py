"""One supervised program."""

from __future__ import annotations

import sys
from pathlib import Path

from searchsite.ops import process
from tests.house import wait_until

TALK = """
import pathlib, sys, time
print("y" * 11_000_000, flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
print("the last word", flush=True)
time.sleep(60)
"""


def test_a_log_is_trimmed_while_it_is_written(tmp_path: Path) -> None:
    log, sign = tmp_path / "talker.log", tmp_path / "sign"
    talker = process.start(process.Program("talker", (sys.executable, "-c", TALK, str(sign)), log))
    try:
        wait_until(lambda: log.stat().st_size > 11_000_000)
        process.trim(log)
        sign.touch()
        wait_until(lambda: log.read_text(encoding="utf-8") == "the last word\n")
    finally:
        talker.stop()
    assert (tmp_path / "talker.log.1").stat().st_size > 11_000_000
    process.trim(log)
    assert log.read_text(encoding="utf-8") == "the last word\n"
