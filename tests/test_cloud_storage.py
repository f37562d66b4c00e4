"""Objects of Cloud Storage by their paths."""

from streaming.cloud_storage import blob
from tests.cloud_storage_server import Bucket


def test_an_object_is_found_by_its_path(bucket: Bucket) -> None:
    blob("gs://bucket/some/name.txt").upload_from_string(b"content")
    assert bucket.objects == {"some/name.txt": b"content"}
    assert blob("gs://bucket/some/name.txt").download_as_bytes() == b"content"


def test_an_object_need_not_be_there(bucket: Bucket) -> None:
    assert not blob("gs://bucket/missing").exists()
