"""The design held to its word: which way imports run, what every file must say, what must never stand in one."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.sources.contract import Child, Source, Table
from ecom_pipeline.sources.registry import vendors
from ecom_pipeline.warehouse.catalog import Model, canonical_tables, read_models
from ecom_pipeline.warehouse.header import split_header

from .conftest import REPOSITORY

PACKAGE = REPOSITORY / "ecom_pipeline"
TOP = {"__main__", "cli", "commands", "orchestration", "definitions", "demo", "doctor"}
"""Nothing imports these but one another: they assemble."""

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "frames": {"errors", "kpis"},
    "sources": {"errors"},
    "settings_errors": {"errors"},
    "settings_receivers": set(),
    "settings_targets": {"settings_receivers"},
    "settings_model": {"errors", "settings_errors", "settings_receivers", "settings_targets", "sources"},
    # Names of KPIs and questions are checked against what there is.
    "settings": {
        "errors",
        "settings_errors",
        "settings_model",
        "settings_receivers",
        "sources",
        "kpis",
        "insights",
    },
    # Both tell a file's header from its query; the reader of headers itself knows neither.
    "kpis": {"errors", "warehouse"},
    "warehouse": {"errors", "kpis", "models", "settings", "sources"},
    "models": set(),
    "insights": {"errors", "kpis"},
    "periods": {"kpis"},
    "editions": {"periods", "settings"},
    "reports": {"errors", "files", "insights", "kpis", "periods"},
    "cockpit": {"errors", "insights", "kpis", "reports"},
    "cockpits": {"cockpit", "editions", "files", "pipeline", "reporting", "settings", "warehouse"},
    "delivery": {"errors"},
    "sandbox": set(),
    "pipeline": {"errors", "kpis", "settings", "sources", "warehouse"},
    "decisions": {"errors", "insights"},
    "reporting": {
        "errors",
        "decisions",
        "editions",
        "files",
        "insights",
        "periods",
        "pipeline",
        "settings",
        "warehouse",
        "reports",
        "delivery",
    },
    "readers": {"errors", "delivery", "pipeline", "reporting", "settings"},
    "alerting": {
        "errors",
        "delivery",
        "insights",
        "kpis",
        "pipeline",
        "reporting",
        "reports",
        "settings",
        "settings_errors",
        "warehouse",
    },
}
"""What each part of the package may import of it; a part may always import itself."""

PERSONAL_NAMES = re.compile(
    r"email|first_name|last_name|phone|address|postcode|zip_code|birth", re.IGNORECASE
)
MONEY = re.compile(r"amount|price|cost|fee|gross|net|discount|tax|spend|refund|balance|revenue|sales|money")
TEXT_SUFFIXES = {
    ".py", ".sql", ".toml", ".yaml", ".yml", ".md", ".txt", ".j2", ".css", ".html", ".graphql", ".cfg", ".sh",
    ".json", ".js", "",
}  # fmt: skip


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(REPOSITORY).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def part_of(file: Path) -> str:
    """The folder or module of the package that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> Iterator[str]:
    """Full names of all modules a file imports, those within functions too."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = file.relative_to(REPOSITORY).with_suffix("").parts[: -node.level]
                base = ".".join(filter(None, [*parents, base]))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_parts(file: Path) -> set[str]:
    names = (name.split(".") for name in imported(file) if name.startswith("ecom_pipeline."))
    parts = {name[1] for name in names}
    return {part for part in parts if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()}


def committed_files() -> list[Path]:
    """What git knows; a copy without git is looked through as it lies."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        return [file for name in listed.stdout.split("\0") if name and (file := REPOSITORY / name).is_file()]
    produced = {".git", ".venv", "var", "build", "__pycache__"}
    return [
        file
        for file in sorted(REPOSITORY.rglob("*"))
        if file.is_file()
        and not any(
            part in produced or part.endswith(("_cache", ".egg-info", ".hypothesis"))
            for part in file.relative_to(REPOSITORY).parts
        )
    ]


def committed_texts() -> Iterator[tuple[str, str]]:
    for file in committed_files():
        if file.suffix in TEXT_SUFFIXES:
            yield name_of(file), file.read_text(encoding="utf-8")


def test_every_part_of_the_package_has_its_place() -> None:
    parts = {part_of(file) for file in modules()} - {"__init__"}
    assert parts == TOP | set(ALLOWED), "say in ALLOWED what the new part may import"


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_imports_run_one_way(part: str) -> None:
    wrong = {
        f"{name_of(file)} imports {', '.join(sorted(extra))}"
        for file in modules()
        if part_of(file) == part and (extra := own_parts(file) - ALLOWED[part] - {part})
    }
    assert not wrong


def test_nothing_imports_what_assembles() -> None:
    assert not {name_of(file) for file in modules() if part_of(file) not in TOP and own_parts(file) & TOP}


def test_only_the_orchestrator_knows_dagster() -> None:
    knowing = {
        part_of(file)
        for file in modules()
        for name in imported(file)
        if name.split(".")[0].startswith("dagster")
    }
    assert knowing <= TOP
    assert "orchestration" in knowing


def test_only_http_speaks_to_vendors() -> None:
    """Scrubbing, patience and throttles cannot be forgotten by whoever writes the next source."""
    clients = {"requests", "urllib3", "http.client", "urllib.request", "httpx", "aiohttp", "socket"}
    speaking = {
        name_of(file)
        for file in modules()
        if part_of(file) == "sources"
        for name in imported(file)
        if name in clients or name.split(".")[0] in {"requests", "urllib3", "httpx", "aiohttp"}
    }
    assert speaking == {"ecom_pipeline/sources/http.py", "ecom_pipeline/sources/failures.py"}


def test_sources_do_not_know_one_another() -> None:
    for file in modules():
        parts = file.relative_to(PACKAGE).parts
        if parts[0] != "sources" or len(parts) < 3:
            continue
        others = {vendor for vendor in vendors() if vendor != parts[1]}
        met = {name.split(".")[2] for name in imported(file) if name.startswith("ecom_pipeline.sources.")}
        assert not met & others, name_of(file)


def test_no_shared_file_names_a_vendor() -> None:
    """A model or the engine that knew who sells would have to change with every new source."""
    names = set(vendors()) - {"files"}
    shared = [
        *(PACKAGE / "warehouse").glob("*.py"),
        *(PACKAGE / "sources").glob("*.py"),
        PACKAGE / "pipeline.py",
    ]
    for file in shared:
        words = {
            node.value
            for node in ast.walk(tree_of(file))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not words & names, name_of(file)
    sites = {"instagram"}  # where visitors come from, whether or not anything is read there
    for node in read_models():
        assert not {name for name in names - sites if f"'{name}'" in node.sql}, node.name


def documented(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Public names with whether they need and have a docstring: short accessors and overrides need none."""
    yield "the module", ast.get_docstring(tree) is not None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, ast.get_docstring(node) is not None or _is_plain_settings(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, ast.get_docstring(node) is not None or _is_short(node)


def _is_plain_settings(node: ast.ClassDef) -> bool:
    """A class of nothing but fields, which its names explain."""
    return all(isinstance(line, ast.AnnAssign | ast.Assign) for line in node.body)


def _is_short(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """So short that its name and types say it all."""
    return (node.end_lineno or 0) - node.body[0].lineno < 8


@pytest.mark.parametrize("file", modules(), ids=name_of)
def test_public_names_are_documented(file: Path) -> None:
    missing = [name for name, has in documented(tree_of(file)) if not has]
    assert not missing


def test_files_fit_in_ones_head() -> None:
    long = {name_of(file): n for file in modules() if (n := len(file.read_text().splitlines())) > 375}
    assert not long


def test_no_registry_no_assistant_no_leftover() -> None:
    # Put together here, so that this file does not name them either.
    forbidden = [
        "pypi" + ".org", "python" + "hosted", "index" + "-url", "find" + "-links", "conda" + ".anaconda",
        "registry" + ".npmjs", "proxy." + "golang", "deb." + "debian.org", "TO" + "DO", "FIX" + "ME", "XX" + "X:",
        "/tmp" + "/dev", "/work" + "/", "Clau" + "de", "Anthro" + "pic", "Chat" + "GPT", "Co" + "pilot",
    ]  # fmt: skip
    found = [
        f"{name}: {word}"
        for name, text in committed_texts()
        for word in forbidden
        if re.search(rf"(?<![A-Za-z]){re.escape(word)}", text)
    ]
    assert not found


def test_no_utils() -> None:
    vague = {"utils", "util", "helpers", "common", "misc"}
    assert not [name_of(file) for file in committed_files() if file.stem in vague]


def test_money_is_never_a_float() -> None:
    """float() and CAST(... AS DOUBLE) are for ratios and pictures, never for an amount on its way."""
    wrong = []
    for file in modules():
        if part_of(file) not in {"sources", "warehouse", "kpis", "models", "settings_model", "pipeline"}:
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
                inner = ast.unparse(node)
                # A GraphQL API's query cost is no money.
                if MONEY.search(inner) and not re.search("querycost|throttle", inner, re.IGNORECASE):
                    wrong.append(f"{name_of(file)}: {inner}")
            elif isinstance(node, ast.AnnAssign) and MONEY.search(ast.unparse(node.target)):
                kind = ast.unparse(node.annotation)
                if re.search(r"\bfloat\b", kind):
                    wrong.append(f"{name_of(file)}: {ast.unparse(node)}")
            elif isinstance(node, ast.Attribute) and node.attr in {"df", "fetchdf", "to_pandas"}:
                wrong.append(f"{name_of(file)}: .{node.attr} turns decimals into floats")
    assert not wrong


def test_no_amount_is_a_double_in_sql() -> None:
    floating = re.compile(r"\b(DOUBLE|FLOAT|REAL)\b")
    for file in sorted(PACKAGE.rglob("*.sql")):
        _, sql = split_header(file.read_text(encoding="utf-8"), name_of(file))
        for line in filter(floating.search, sql.splitlines()):
            assert "/" in line and "NULLIF" in line, f"{name_of(file)}: {line.strip()}"
    for name, table in canonical_tables().items():
        assert not [column for column, kind in table.columns.items() if floating.search(kind)], name
        wrong = [c for c, kind in table.columns.items() if kind == "BIGINT" and MONEY.search(c)]
        assert not wrong, name


def test_every_sql_file_is_reached() -> None:
    """A header that cannot be read, or a file nobody looks at, would go unnoticed."""
    reached = {PACKAGE / "kpis" / kpi.family / f"{kpi.key}.sql" for kpi in kpis().values()}
    reached |= {PACKAGE / "models" / f"{node.name.removeprefix('model.')}.sql" for node in read_models()}
    for vendor, source in vendors().items():
        if source.declared_mappings.__func__ is not Source.declared_mappings.__func__:  # type: ignore[attr-defined]
            continue  # its mappings are configured, not files of the product
        for name, text in source.declared_mappings(None).items():
            header, _ = split_header(text, f"{vendor}/{name}.sql")
            assert header.get("description"), f"{vendor}/{name}.sql says nothing of itself"
            assert name.split("__")[0] in canonical_tables(), f"{vendor}/{name}.sql feeds no canonical table"
            reached.add(PACKAGE / "sources" / vendor / f"{name}.sql")
    assert set(PACKAGE.rglob("*.sql")) == reached
    for file in (PACKAGE / "models").glob("*.sql"):
        Model(**split_header(file.read_text(encoding="utf-8"), name_of(file))[0])


def test_canonical_tables_hold_nothing_personal() -> None:
    for name, table in canonical_tables().items():
        assert not [column for column in table.columns if PERSONAL_NAMES.search(column)], name
    for vendor, source in vendors().items():
        for declared in source.tables:
            parts: list[Table | Child] = [declared, *declared.children]
            names = [column.name for part in parts for column in part.columns]
            assert not [name for name in names if PERSONAL_NAMES.search(name)], f"{vendor}.{declared.name}"


def test_every_resource_is_packaged() -> None:
    """What is not named in pyproject.toml is there in a checkout and missing after installation."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    for file in committed_files():
        if PACKAGE in file.parents and file.suffix != ".py":
            assert any(fnmatch(file.name, pattern) for pattern in patterns), name_of(file)
            assert is_in_package(file), f"{name_of(file)} is in a folder without __init__.py"


def is_in_package(file: Path) -> bool:
    """Whether setuptools finds the file's folder: a package, or (as found by `packages.find`) a namespace."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    found = project["tool"]["setuptools"]["packages"]["find"]
    if found.get("namespaces", True):  # setuptools' own default for pyproject.toml
        return True
    return all(
        (folder / "__init__.py").is_file() for folder in file.parents if PACKAGE in (folder, *folder.parents)
    )


def test_the_repository_ships_no_output() -> None:
    names = {name_of(file) for file in committed_files()}
    assert not {name for name in names if Path(name).name == ".env" or name.startswith("var/")}
    assert not {name for name in names if name.endswith((".duckdb", ".pdf", ".eml", ".sqlite"))} - {
        name for name in names if name.startswith("docs/")
    }
