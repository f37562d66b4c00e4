"""Objects of Cloud Storage by their paths."""

import pytest

from streaming.cloud_storage import blob, blobs
from tests.cloud_storage_server import Bucket


def test_an_object_is_found_by_its_path(bucket: Bucket) -> None:
    blob("gs://bucket/some/name.txt").upload_from_string(b"content")
    assert bucket.objects == {"some/name.txt": b"content"}
    assert blob("gs://bucket/some/name.txt").download_as_bytes() == b"content"


def test_an_object_need_not_be_there(bucket: Bucket) -> None:
    assert not blob("gs://bucket/missing").exists()


def test_the_objects_in_a_directory(bucket: Bucket) -> None:
    for name in ("out/a.txt", "out/b.txt", "outer/a.txt", "a.txt"):
        bucket.put(name, b"")
    assert [each.name for each in blobs("gs://bucket/out")] == ["out/a.txt", "out/b.txt"]


@pytest.mark.usefixtures("bucket")
def test_one_client_asks_for_all_objects() -> None:
    assert blob("gs://bucket/a").client is blob("gs://other/b").client
