"""A file is replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecom_pipeline.files import replace_file


def test_it_makes_its_folder_and_takes_the_old_ones_place(tmp_path: Path) -> None:
    file = tmp_path / "new" / "page.html"
    replace_file(file, b"old")
    replace_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert [one.name for one in file.parent.iterdir()] == ["page.html"]


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "page.html"
    replace_file(file, b"old")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("ecom_pipeline.files.os.replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        replace_file(file, b"new")
    assert file.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
