"""Starts the house in order, keeps each of its programs alive, and stops it in order.

One thread does it all: Linux ties the leash of a child to the thread that started it.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from searchsite.config import Config
from searchsite.ops import first_run, greeting, guard, household, places, process
from searchsite.ops.errors import CannotStart
from searchsite.ops.household import Member

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK = 0.1
BACKOFF = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
# A program that ran this long before it ended has no row of failures behind it.
STEADY_SECONDS = 60.0
STARTS_BEFORE_GIVING_UP = 3
SAY_AGAIN_SECONDS = 5.0
CHECK_SECONDS = 15.0
SILENT_CHECKS = 8
FIRST_USER_MADE = 10
# Lines that the preparation's log is searched for what it says of the networks.
SPOKEN = 60


class StopAsked(Exception):
    """Somebody asked for the stop while the house was still starting."""


def say(line: str) -> None:
    with suppress(OSError):  # The terminal may be gone.
        print(line, flush=True)


@dataclass
class Kept:
    """A member, its running program, and how often it failed of late."""

    member: Member
    running: process.Running | None = None
    failures: int = 0
    start_at: float = 0.0
    answered: bool = False
    silent: int = 0

    @property
    def name(self) -> str:
        return self.member.program.name


class Supervisor:
    """One run of one house."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.run = secrets.token_hex(8)
        self.marks = household.environment(config, self.run)
        self.kept: list[Kept] = []
        self.told: list[str] = []
        self.asked = 0
        self.ready = False
        self.check_at = 0.0

    def live(self) -> None:
        """Start everything, keep it running until asked to stop, and stop everything."""
        began = time.monotonic()
        with self._signals(), places.only_one(self.config, household.address(self.config)), self._guarded():
            try:
                self._start(began)
                while not self.asked:
                    self._mend()
                    self._check()
                    time.sleep(TICK)
            except StopAsked:
                pass
            finally:
                self._stop()

    def _start(self, began: float) -> None:
        left = guard.end_all(str(self.config.data_dir))
        if left:
            say(f"  ended {left} processes that an earlier run had left")
        places.clear_sockets(self.config)
        places.require_port(self.config)
        for member in household.servers(self.config):
            self._add(member)
        for kept in [kept for kept in self.kept if kept.name != "inference server"]:
            self._await(kept)
        password = self._prepare()
        for member in household.site(self.config):
            self._add(member)
        for kept in self.kept:
            self._await(kept)
        say("  workers and clock: started")
        self.ready = True
        self._tell_networks()
        self._greet(password, time.monotonic() - began)

    def _add(self, member: Member) -> None:
        if self.asked:
            raise StopAsked
        kept = Kept(member)
        self.kept.append(kept)
        self._run(kept)

    def _run(self, kept: Kept) -> None:
        if kept.member.before is not None:
            made = kept.member.before(self.config)
            if made is True:
                say(f"  {kept.name}: made in {self.config.data_dir}")
        kept.running = process.start(household.mark(kept.member.program, self.marks))

    def _await(self, kept: Kept) -> None:
        """Wait, without a limit, until it answers; a recovery takes what it takes. Say so now and then."""
        began = spoken = time.monotonic()
        answers = kept.member.answers
        if answers is None or kept.answered:
            return
        while (wrong := answers(self.config)) is not None:
            self._pause()
            if time.monotonic() - spoken > SAY_AGAIN_SECONDS:
                spoken = time.monotonic()
                say(f"  {kept.name}: not ready after {spoken - began:.0f} s ({wrong[:200]})")
        kept.answered = True
        say(f"  {kept.name}: ready")

    def _pause(self) -> None:
        if self.asked:
            raise StopAsked
        self._mend()
        time.sleep(TICK)

    def _mend(self) -> None:
        """Start again what has ended, at once the first time and more and more slowly after that."""
        for kept in self.kept:
            if kept.running is None and time.monotonic() >= kept.start_at:
                self._run(kept)
            elif kept.running is not None and (code := kept.running.exit_code()) is not None:
                self._bury(kept, code)

    def _check(self) -> None:
        """Trim logs and ask servers now and then; one that stays silent for two minutes hangs: it is started again."""
        if time.monotonic() < self.check_at:
            return
        self.check_at = time.monotonic() + CHECK_SECONDS
        for kept in self.kept:
            process.trim(kept.member.program.log)
            if kept.member.lives is None or kept.running is None or self.asked:
                continue
            kept.silent = 0 if kept.member.lives(self.config) is None else kept.silent + 1
            if kept.silent >= SILENT_CHECKS:
                say(f"  {kept.name}: does not answer any more")
                kept.silent = 0
                kept.running.kill_group()

    def _bury(self, kept: Kept, code: int) -> None:
        assert kept.running is not None
        kept.running.kill_group()
        lasted = time.monotonic() - kept.running.started
        kept.failures = 1 if lasted > STEADY_SECONDS else kept.failures + 1
        wait = BACKOFF[min(kept.failures, len(BACKOFF)) - 1]
        kept.running, kept.start_at = None, time.monotonic() + wait
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        words = process.last_lines(kept.member.program.log)
        if not self.ready and kept.failures >= STARTS_BEFORE_GIVING_UP:
            raise CannotStart(f"The {kept.name} does not start ({how}). Its last words:\n{words}")
        say(f"  {kept.name}: ended ({how}), started again{f' in {wait:.0f} s' if wait else ''}")
        if kept.failures > 1:
            say(words)

    def _prepare(self) -> str | None:
        """Bring the schema up to date and make the first user, in a child; the password never meets a log."""
        password = secrets.token_urlsafe(12)
        if not places.is_settled(self.config):
            say("  a restore was cut off: it is brought to an end, or undone (log/prepare.log says which)")
        say("  schema: bringing it up to date")
        command = (sys.executable, household.MANAGE, "prepare")
        program = process.Program("preparation", command, self.config.data_dir / "log" / "prepare.log")
        running = process.start(household.mark(program, self.marks), typed=password)
        while (code := running.exit_code()) is None:
            if self.asked:
                running.stop()
            self._pause()
        if code not in (0, FIRST_USER_MADE):
            words = process.last_lines(program.log)
            raise CannotStart(f"The database could not be prepared. The last words:\n{words}")
        self.told = greeting.among(process.last_lines(program.log, SPOKEN).splitlines())
        if code == 0:
            return None
        say("  first user: made" + (", and the sample library put in" if self.config.sample_library else ""))
        return password

    def _tell_networks(self) -> None:
        for line in (*greeting.networks(self.config), *self.told):
            say(f"  {line}")

    def _greet(self, password: str | None, seconds: float) -> None:
        say(f"\nsearchsite is ready after {seconds:.1f} s: {household.address(self.config)}")
        if password is not None:
            say(f"Sign in as: admin\nPassword:   {password}   (shown this once)")
            first_run.is_over(self.config)
        say("Ctrl-C stops it.\n")

    def _stop(self) -> None:
        """Stop in order: the clock, who works, who serves, and last the servers they need."""
        running = [kept.running for kept in reversed(self.kept) if kept.running is not None]
        told = bool(running and self.asked)
        if told:
            say("Stopping (Ctrl-C again hastens it)")
        self.asked = max(self.asked, 1)
        workers = [
            one for one in running if one.program.name in ("beat", "worker", "reader", "captioner", "web server")
        ]
        for group in (workers, *([one] for one in running if one not in workers)):
            self._stop_together(group)
        if told:
            say("Stopped. What waits goes on at the next start.")

    def _stop_together(self, group: list[process.Running]) -> None:
        began = time.monotonic()
        for one in group:
            one.ask_to_stop()
        waiting = list(group)
        while waiting:
            waited = time.monotonic() - began
            for one in list(waiting):
                hurried = self.asked > 1 and one.program.name != "database"
                if one.exit_code() is not None or waited > (0.5 if hurried else one.program.grace):
                    one.kill_group()
                    waiting.remove(one)
            time.sleep(0.02)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def note(number: int, frame: object) -> None:
            self.asked += 1

        before = {number: signal.signal(number, note) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Beside us, a process that ends our children if we are killed."""
        command = [sys.executable, "-I", "-S", guard.__file__, str(self.config.data_dir), self.run]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as beside:
            yield
            assert beside.stdin is not None
            beside.stdin.close()
            beside.wait()
