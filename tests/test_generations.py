"""Which generations lie at a path, and what tells their contents apart."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from streaming.errors import Mistakes
from streaming.savedmodel.generations import Generation, current, fingerprint, generations, stamp
from streaming.savedmodel.manifest import Golden
from tests.builders import save_multiplier
from tests.cloud_storage_server import Bucket


def export(directory: Path, *names: str) -> str:
    """As much of each SavedModel as is looked at."""
    for name in names:
        (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / name / "saved_model.pb").write_bytes(b"graph")
    return str(directory)


def list_in_manifest(directory: Path, now: str, **listed: Any) -> None:
    (directory / "manifest.json").write_text(json.dumps({"current": now, "generations": listed}))


def mistake(path: str) -> str:
    with pytest.raises(Mistakes) as caught:
        current(path, "models.m.path")
    (line,) = caught.value.lines
    return line


def test_a_saved_model_is_a_generation_without_a_version(tmp_path: Path) -> None:
    path = export(tmp_path, ".")
    assert generations(path, "models.m.path") == (Generation(None, path),)


def test_the_highest_number_is_current_and_lower_ones_follow(tmp_path: Path) -> None:
    path = export(tmp_path, "9", "00000010", "2")
    (tmp_path / "11" / "variables").mkdir(parents=True)
    (tmp_path / "12").write_text("no directory")
    (tmp_path / "notes").mkdir()
    found = tuple(Generation(version, f"{path}/{version}") for version in ("00000010", "9", "2"))
    assert generations(path, "models.m.path") == found
    assert current(path, "models.m.path") == found[0]


def test_versions_that_are_no_numbers_need_a_manifest(tmp_path: Path) -> None:
    path = export(tmp_path, "best", "1.5", "²", "-1")
    assert mistake(path) == (
        f"models.m.path: {path} holds neither saved_model.pb, nor a version (1/saved_model.pb), nor manifest.json; "
        "export a model there, or correct the path"
    )


def test_a_slash_at_the_end_means_nothing(tmp_path: Path) -> None:
    path = export(tmp_path, "1")
    assert current(f"{path}/", "models.m.path") == Generation("1", f"{path}/1")


def test_a_manifest_says_what_is_current_and_what_it_must_be(tmp_path: Path) -> None:
    path = export(tmp_path, "1", "2")
    golden = {"features": {"x": 2.0}, "outputs": {"output_0": 10.0}}
    list_in_manifest(tmp_path, "1", **{"1": {"fingerprint": "0" * 16, "golden": [golden], "tolerance": 0.5}})
    assert current(path, "models.m.path") == Generation(
        "1", f"{path}/1", "0" * 16, (Golden(features={"x": 2.0}, outputs={"output_0": 10.0}),), 0.5
    )


def test_a_manifest_wins_over_numbers_and_lists_what_to_fall_back_to(tmp_path: Path) -> None:
    path = export(tmp_path, ".", "1", "2", "3", "best", "worst")
    list_in_manifest(tmp_path, "2", **{"1": {"tolerance": 0.5}, "2": {}, "best": {}, "removed": {}, "worst": {}})
    assert generations(path, "models.m.path") == (
        Generation("2", f"{path}/2"),
        Generation("worst", f"{path}/worst"),
        Generation("best", f"{path}/best"),
        Generation("1", f"{path}/1", tolerance=0.5),
    )


def test_a_manifest_need_not_list_what_is_current(tmp_path: Path) -> None:
    path = export(tmp_path, "1", "2")
    list_in_manifest(tmp_path, "1")
    assert generations(path, "models.m.path") == (Generation("1", f"{path}/1"),)


@pytest.mark.parametrize(("there", "remedy"), [((), "none yet"), (("1", "3"), "1, 3")])
def test_a_manifest_whose_current_generation_is_not_there(tmp_path: Path, there: tuple[str, ...], remedy: str) -> None:
    path = export(tmp_path, *there)
    list_in_manifest(tmp_path, "2")
    assert mistake(path) == (
        f"models.m.path: {path}/manifest.json: current: there is no {path}/2/saved_model.pb; "
        f"upload it, or name one of those there ({remedy})"
    )


def test_a_wrong_manifest(tmp_path: Path) -> None:
    path = export(tmp_path, "1")
    (tmp_path / "manifest.json").write_text("{}")
    assert mistake(path) == f"models.m.path: {path}/manifest.json: current: missing; add it"


def test_there_is_no_directory(tmp_path: Path) -> None:
    assert mistake(f"{tmp_path}/missing") == f"models.m.path: no directory {tmp_path}/missing; correct the path"


def test_the_fingerprint_is_that_of_a_copy_whatever_its_name(saved_models: Path, tmp_path: Path) -> None:
    shutil.copytree(saved_models / "times5", tmp_path / "copy")
    found = fingerprint(str(tmp_path / "copy"))
    assert found == fingerprint(str(saved_models / "times5"))
    assert len(bytes.fromhex(found)) == 8


def test_the_fingerprint_changes_with_the_variables_alone(saved_models: Path, tmp_path: Path) -> None:
    save_multiplier(tmp_path / "times6", 6.0)
    shutil.copy(saved_models / "times5" / "saved_model.pb", tmp_path / "times6")
    assert fingerprint(str(tmp_path / "times6")) != fingerprint(str(saved_models / "times5"))


def test_the_fingerprint_is_a_hash_of_graph_index_and_assets(tmp_path: Path) -> None:
    path = export(tmp_path, ".")
    found = [fingerprint(path)]
    for name in (
        "variables/variables.index",
        "assets/words.txt",
        "variables/variables.data",
        "assets.extra/a",
        "README",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
        found.append(fingerprint(path))
    graph = "/saved_model.pbgraph"
    index = graph + "/variables/variables.indexvariables/variables.index"
    words = index + "/assets/words.txtassets/words.txt"
    assert found == [hashlib.sha256(each.encode()).hexdigest()[:16] for each in (graph, index, *[words] * 4)]


def test_the_fingerprint_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(Mistakes) as caught:
        fingerprint(str(tmp_path))
    assert caught.value.lines == (f"model: no file {tmp_path}/saved_model.pb",)


def test_the_stamp_changes_with_any_file_and_with_nothing_else(tmp_path: Path) -> None:
    path = export(tmp_path, ".")
    before = stamp(path)
    (tmp_path / "variables").mkdir()
    assert stamp(path) == before
    (tmp_path / "variables" / "variables.index").write_bytes(b"1")
    with_index = stamp(path)
    (tmp_path / "saved_model.pb").write_bytes(b"longer graph")
    assert len({before, with_index, stamp(path)}) == 3


def test_generations_on_cloud_storage(bucket: Bucket) -> None:
    for version in ("9", "10", "nine"):
        bucket.put(f"models/m/{version}/saved_model.pb", b"graph")
    bucket.put("models/m/11/variables/variables.index", b"index")
    assert generations("gs://bucket/models/m/", "models.m.path") == (
        Generation("10", "gs://bucket/models/m/10"),
        Generation("9", "gs://bucket/models/m/9"),
    )
    bucket.put("models/m/manifest.json", b'{"current": "nine"}')
    assert current("gs://bucket/models/m", "models.m.path") == Generation("nine", "gs://bucket/models/m/nine")


def test_a_path_on_cloud_storage_with_nothing_below(bucket: Bucket) -> None:
    bucket.put("models/m-old/saved_model.pb", b"graph")
    assert mistake("gs://bucket/models/m") == "models.m.path: no directory gs://bucket/models/m; correct the path"


def test_the_fingerprint_on_cloud_storage_is_that_of_the_local_copy(bucket: Bucket, saved_models: Path) -> None:
    directory = saved_models / "times5"
    for file in (file for file in directory.rglob("*") if file.is_file()):
        bucket.put(f"m/{file.relative_to(directory)}", file.read_bytes())
    assert fingerprint("gs://bucket/m") == fingerprint(str(directory))


def test_the_stamp_on_cloud_storage_changes_with_an_object_of_the_same_size(bucket: Bucket) -> None:
    bucket.put("m/saved_model.pb", b"graph")
    before = stamp("gs://bucket/m")
    assert stamp("gs://bucket/m") == before
    bucket.put("m/saved_model.pb", b"other")
    assert stamp("gs://bucket/m") != before
