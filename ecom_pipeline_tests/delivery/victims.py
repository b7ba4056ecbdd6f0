"""Deliveries in processes of their own, killed (SIGKILL) at a named point: `python -m …victims` forks one an order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecom_pipeline.delivery import (
    Ledger,
    Recipient,
    ReportMail,
    Retries,
    Sender,
    SmtpServer,
    deliver_report,
    ledger,
    smtp,
)

KEY = b"a key that only this test knows"
READERS = ("marie.lefebvre@atelier.example", "paul@atelier.example")
SENDER = Sender("rapports@boutique.example", "Boutique", "stop@boutique.example", KEY)
KILLED = -signal.SIGKILL
_OWNERS: dict[str, type] = {"Ledger": ledger.Ledger, "Conversation": smtp.Conversation}

KILL_POINTS = {
    "while planning": ("Ledger", "_insert", "after"),
    "planned": ("Ledger", "plan", "after"),
    "before connecting": ("Ledger", "start", "after"),
    "connected": ("Conversation", "open", "after"),
    "recipient accepted": ("Conversation", "begin_data", "before"),
    "in the data": ("Conversation", "begin_data", "after"),
    "all but the end sent": ("Conversation", "hand_over_all_but_the_end", "after"),
    "about to complete": ("Ledger", "mark_completing", "after"),
    "accepted, not recorded": ("Conversation", "complete", "after"),
    "about to record": ("Ledger", "finish", "before"),
    "while recording": ("Ledger", "_update", "third"),
    "recorded": ("Ledger", "finish", "after"),
}
"""Where a delivery dies: before or after a step, or after a step's third time."""

MAY_HAVE_ARRIVED = {"accepted, not recorded", "about to record", "while recording"}
"""The points at which a message may be at its reader's and the ledger does not know it."""


class Victims:
    """Runs deliveries that die."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def deliver(self, folder: Path, port: int, point: str, timeout_seconds: float = 20) -> int:
        """The exit code of a delivery of `report_in` to both readers by the server at the port, killed at the point."""
        order = {"folder": str(folder), "port": port, "point": point, "timeout_seconds": timeout_seconds}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def run_victims() -> Iterator[Victims]:
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:  # fmt: skip
        yield Victims(process)


def report_in(folder: Path) -> ReportMail:
    pdf = folder / "report.pdf"
    if not pdf.exists():
        pdf.write_bytes(b"%PDF-1.7\nnot a page in it\n%%EOF\n")
    return ReportMail("weekly/2026-W47/fr", "fr", "Semaine 47", "texte", "<p>x</p>", pdf, "rapport.pdf")


def readers() -> list[Recipient]:
    return [Recipient(email, "fr") for email in READERS]


def ledger_in(folder: Path) -> Ledger:
    return Ledger(folder / "ledger.sqlite", KEY)


def _deliver(folder: str, port: int, point: str, timeout_seconds: float) -> None:
    owner, method, moment = KILL_POINTS[point]
    _die_at(_OWNERS[owner], method, moment)
    server = SmtpServer("127.0.0.1", port, "none", timeout_seconds=timeout_seconds)
    with ledger_in(Path(folder)) as book:
        deliver_report(report_in(Path(folder)), readers(), server, SENDER, book, retries=Retries(()))


def _die_at(owner: type, method: str, moment: str) -> None:
    original: Callable[..., Any] = getattr(owner, method)
    calls: list[str] = []

    def die(*args: Any, **kwargs: Any) -> Any:
        calls.append(method)
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if moment == "after" or len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, die)


def _main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _deliver(**json.loads(line))
                code = 0
            finally:
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
