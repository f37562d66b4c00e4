"""What the Dockerfile installs is all that the program imports: its own commands, run in a clean environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streaming.dataflow.dockerfile import Dockerfile

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
DOCKERFILE = Dockerfile.parse((ROOT / "Dockerfile").read_text())

EXTRAS = {"duckdb_extensions", "jinja2", "matplotlib"}
NEED_EXTRAS = ("producers.report.", "streaming.local.bigquery_emulator")

# Imports all modules of the package, and says which modules they miss and what came from anywhere but this environment.
IMPORT_ALL = """
import importlib, json, pathlib, sys, sysconfig
modules, missing = json.loads(sys.stdin.read()), {}
for module in modules:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing[module] = error.name
files = [pathlib.Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))]
homes = [pathlib.Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib", "platstdlib")]
elsewhere = [str(file) for file in files if not any(file.is_relative_to(home) for home in homes)]
elsewhere += [str(file) for file in files if "site-packages" in file.parts and not file.is_relative_to(homes[0])]
json.dump({"missing": missing, "elsewhere": elsewhere}, pathlib.Path(sys.argv[1]).open("w"))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory with `python`, an environment, and `template/main.py`; it takes 3 GB, so it is removed at once."""
    image = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", image / "python"], check=True)
    shutil.copy(ROOT / "requirements.txt", image)
    _copy_sources(image / "source")
    for command in DOCKERFILE.arguments_of("RUN", "dependencies", "package"):
        _run(command, image)
    (image / "template").mkdir()
    shutil.move(image / "source/streaming/main.py", image / "template")
    shutil.rmtree(image / "source")
    yield image
    shutil.rmtree(image)


def test_every_module_finds_what_it_imports_there(image: Path) -> None:
    answer = _import_all(image)
    missing: dict[str, str] = answer["missing"]
    assert {module: name for module, name in missing.items() if not module.startswith(NEED_EXTRAS)} == {}
    assert set(missing.values()) <= EXTRAS
    assert answer["elsewhere"] == []


def test_the_entry_runs_as_a_file_from_any_directory(image: Path, tmp_path: Path) -> None:
    command = [f"{image}/python/bin/python", f"{image}/template/main.py", "--output_tabel=P:D.T"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=DOCKERFILE.pairs_of("ENV")
    )
    assert ended.returncode == 2
    assert "output_tabel" in ended.stderr
    assert "Traceback" not in ended.stderr


def _copy_sources(directory: Path) -> None:
    directory.mkdir()
    for source in (ROOT / name for name in DOCKERFILE.sources() if name != "streaming/main.py"):
        if source.is_dir():
            shutil.copytree(source, directory / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory)


def _run(command: str, image: Path) -> None:
    """A command that builds the image, with the image's places moved into the directory."""
    moved = command.replace("/tmp/", f"{image}/").replace("--prefix=/package", f"--prefix={image}/python")
    # The rest of this environment stays: it may name pip's index and cache.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PATH"] = f"{image}/python/bin:/usr/bin:/bin"
    subprocess.run(["sh", "-euc", moved], cwd=image / "source", env=environment, check=True)


def _import_all(image: Path) -> Any:
    files = [file.relative_to(ROOT) for top in ("streaming", "producers") for file in (ROOT / top).rglob("*.py")]
    modules = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in sorted(files)]
    answer = image / "imported.json"
    command = [f"{image}/python/bin/python", "-I", "-c", IMPORT_ALL, str(answer)]
    subprocess.run(command, cwd=image, input=json.dumps(modules), text=True, check=True)
    return json.loads(answer.read_text())
