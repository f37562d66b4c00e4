"""A BigQueryRead service in this process: one session of streams that it was given, each broken off as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import (
    CreateReadSessionRequest,
    ReadRowsRequest,
    ReadRowsResponse,
    ReadSession,
    ReadStream,
)

from tests.grpc_servers import GrpcServer

_SERVICE = "/google.cloud.bigquery.storage.v1.BigQueryRead"


class BigQueryReadServer(GrpcServer):
    """The server.

    Attributes:
        streams: the rows of each stream, as many a response as a batch has; all of the same columns.
        asked: every session asked for.
        refuse: sessions with this status, where it is one.
        breaks: the statuses with which the next reads of a stream end, each after one response.
    """

    def __init__(self, streams: list[list[pa.RecordBatch]]) -> None:
        super().__init__()
        self.streams = streams
        self.asked: list[ReadSession] = []
        self.refuse: grpc.StatusCode | None = None
        self.breaks: list[grpc.StatusCode] = []
        self._columns: list[str] = []

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call.method == f"{_SERVICE}/CreateReadSession":
            return grpc.unary_unary_rpc_method_handler(
                self._create, CreateReadSessionRequest.deserialize, ReadSession.serialize
            )
        return grpc.unary_stream_rpc_method_handler(self._read, ReadRowsRequest.deserialize, ReadRowsResponse.serialize)

    def _create(self, request: CreateReadSessionRequest, context: grpc.ServicerContext) -> ReadSession:
        self.asked.append(request.read_session)
        if self.refuse is not None:
            context.abort(self.refuse, "scripted")
        self._columns = list(request.read_session.read_options.selected_fields)
        schema = self.streams[0][0].select(self._columns).schema.with_metadata({"made": "here"})
        names = [f"{request.parent}/locations/us/sessions/s/streams/{number}" for number in range(len(self.streams))]
        return ReadSession(
            arrow_schema={"serialized_schema": schema.serialize().to_pybytes()},
            streams=[ReadStream(name=name) for name in names],
        )

    def _read(self, request: ReadRowsRequest, context: grpc.ServicerContext) -> Iterator[ReadRowsResponse]:
        position = 0
        for rows in self.streams[int(request.read_stream.rpartition("/")[2])]:
            if position >= request.offset:
                serialized = rows.select(self._columns).serialize().to_pybytes()
                yield ReadRowsResponse(
                    arrow_record_batch={"serialized_record_batch": serialized}, row_count=rows.num_rows
                )
                if self.breaks:
                    context.abort(self.breaks.pop(0), "scripted")
            position += rows.num_rows
