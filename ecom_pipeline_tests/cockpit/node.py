"""Runs the page's own functions in Node, on what a test hands them; skips clearly where there is no Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import pytest

PURE = ("exact", "formats", "drivers", "model", "csv")


def run_script(body: str, given: Any, scripts: tuple[str, ...] = PURE) -> Any:
    """What `body` returns of `given`, with the page's functions in scope."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node to run the page's scripts: apt install nodejs")
    folder = files("ecom_pipeline.cockpit") / "static"
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in scripts]
    program = "\n".join(
        [
            '"use strict";',
            *parts,
            f"const work = (given) => {{ {body} }};",
            "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));",
            "process.stdout.write(JSON.stringify(work(given)));",
        ]
    )
    done = subprocess.run(
        [node, "-e", program], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
