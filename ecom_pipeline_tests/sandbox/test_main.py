"""The sandbox as a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys

import requests


def test_own_process_says_when_it_is_ready_and_serves() -> None:
    days = ["--first-day", "2026-01-01", "--last-day", "2026-01-03", "--orders-per-day", "3"]
    command = [sys.executable, "-m", "ecom_pipeline.sandbox", "--seed", "3", *days, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = re.fullmatch(
                r"sandbox ready at (http://127\.0\.0\.1:\d+) as of (\S+)\n", process.stdout.readline()
            )
            assert ready and ready[2] == "2026-01-04T05:00:00+00:00"
            instances = requests.get(f"{ready[1]}/_sandbox/instances", timeout=10).json()
            (key,) = [one["secrets"]["api_key"] for one in instances if one["name"] == "stripe"]
            headers = {"Authorization": f"Bearer {key}"}
            charges = requests.get(f"{ready[1]}/stripe/v1/charges", headers=headers, timeout=10).json()
            assert charges["data"]
        finally:
            process.terminate()
