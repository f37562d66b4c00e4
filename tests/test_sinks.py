"""The sinks: batches leave in order, once answered; what is refused becomes a failure; what fails, fails the bundle."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pyarrow as pa
import pytest
from apache_beam.transforms.window import GlobalWindow

from streaming import metrics
from streaming.batches import NO_FAILURES, TIMESTAMP, Batch, Failure, failure_rows
from streaming.refusals import Refusal
from streaming.results import table_schema, to_attributes, to_json, to_predictions
from streaming.sinks import Publish, WriteDeadLetters, WriteFiles, WriteTable
from tests import memory
from tests.builders import PREDICTION, START, answered, plan, readings, windowed

TIMES5, TIMES10 = plan("times5"), plan("times10")
MODELS = (TIMES5, TIMES10)
READ = START + timedelta(minutes=1)
SCHEMA = table_schema([pa.field(PREDICTION.column, PREDICTION.type)])


def batch(values: Sequence[float], without: Sequence[float] = ()) -> Batch:
    """Readings that both models have answered, but for times10 those of `without`."""
    built = windowed(readings(values)).with_column("read_at", pa.array([READ] * len(values), TIMESTAMP))
    built = answered(built, TIMES5, [{"prediction": 5 * value} for value in values])
    return answered(built, TIMES10, [None if value in without else {"prediction": 10 * value} for value in values])


class Answer(Future[list[Refusal]]):
    """A future that tells when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def result(self, timeout: float | None = None) -> list[Refusal]:
        self.awaited.set()
        return super().result(timeout)


@dataclass
class Promises:
    """A table and a topic whose answers the test gives."""

    answers: list[Answer] = field(default_factory=list)

    def append(self, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        self.answers.append(Answer())
        return self.answers[-1]

    def publish(
        self, data: Sequence[bytes], attributes: Sequence[dict[str, str]], keys: Sequence[str]
    ) -> Future[list[Refusal]]:
        return self.append(pa.RecordBatch.from_pydict({}))


Sink = WriteTable | Publish


@pytest.fixture(params=[WriteTable, Publish])
def sink_and_answers(request: pytest.FixtureRequest) -> tuple[Sink, list[Answer]]:
    """A sink at the start of a bundle."""
    promises = Promises()
    sink: Sink = request.param(MODELS, "j1", promises)
    sink.start_bundle()
    return sink, promises.answers


def finish(sink: Sink) -> list[Batch]:
    return [each.value for each in sink.finish_bundle()]


def test_batches_leave_in_order_and_only_when_answered(sink_and_answers: tuple[Sink, list[Answer]]) -> None:
    sink, answers = sink_and_answers
    first, second, third = batch([1.0]), batch([2.0]), batch([3.0])
    assert list(sink.process(first)) == []
    assert list(sink.process(second)) == []
    answers[1].set_result([])
    assert list(sink.process(third)) == []
    answers[0].set_result([])
    assert list(sink.process(batch([4.0]))) == [first, second]
    answers[2].set_result([])
    answers[3].set_result([])
    assert finish(sink) == [third, batch([4.0])]
    assert finish(sink) == []


def test_the_end_of_the_bundle_waits_for_every_answer(sink_and_answers: tuple[Sink, list[Answer]]) -> None:
    sink, answers = sink_and_answers
    batches = [batch([1.0]), batch([2.0])]
    for each in batches:
        assert list(sink.process(each)) == []
    finished: Future[list[Batch]] = Future()
    threading.Thread(target=lambda: finished.set_result(finish(sink)), daemon=True).start()
    for answer in answers:
        assert answer.awaited.wait(10)
        assert not finished.done()
        answer.set_result([])
    assert finished.result(10) == batches


def test_what_leaves_at_the_end_of_the_bundle_is_in_the_global_window(
    sink_and_answers: tuple[Sink, list[Answer]],
) -> None:
    sink, answers = sink_and_answers
    assert list(sink.process(batch([1.0]))) == []
    answers[0].set_result([])
    assert [each.windows for each in sink.finish_bundle()] == [(GlobalWindow(),)]


def test_a_failed_answer_fails_the_bundle_and_the_next_one_starts_anew(
    sink_and_answers: tuple[Sink, list[Answer]],
) -> None:
    sink, answers = sink_and_answers
    for value in (1.0, 2.0):
        assert list(sink.process(batch([value]))) == []
    answers[0].set_exception(OSError("the service is gone"))
    with pytest.raises(OSError, match="the service is gone"):
        list(sink.process(batch([3.0])))
    sink.start_bundle()
    assert list(sink.process(batch([4.0]))) == []
    answers[3].set_result([])
    assert finish(sink) == [batch([4.0])]


def test_an_answer_that_fails_at_the_end_fails_the_bundle(sink_and_answers: tuple[Sink, list[Answer]]) -> None:
    sink, answers = sink_and_answers
    assert list(sink.process(batch([1.0]))) == []
    answers[0].set_exception(OSError("the service is gone"))
    with pytest.raises(OSError, match="the service is gone"):
        finish(sink)


def test_refused_rows_of_several_models_become_failures_without_their_answers(
    sink_and_answers: tuple[Sink, list[Answer]],
) -> None:
    sink, answers = sink_and_answers
    sent = batch([1.0, 2.0, 3.0, 4.0], without=[1.0])  # rows 0 to 3 are of times5, 4 to 6 of times10
    assert list(sink.process(sent)) == []
    answers[0].set_result(
        [Refusal(1, "Odd", "row 1"), Refusal(3, "No", "3"), Refusal(4, "Odd", "row 4"), Refusal(6, "TooLarge", "row 6")]
    )
    (left,) = finish(sink)
    expected = [
        (1, Failure(sink.stage, "Odd", "row 1", "times5")),
        (3, Failure(sink.stage, "No", "3", "times5")),
        (1, Failure(sink.stage, "Odd", "row 4", "times10")),
        (3, Failure(sink.stage, "TooLarge", "row 6", "times10")),
    ]
    of_rows = sent.rows.take(pa.array([row for row, _ in expected]))
    assert left.failures == failure_rows(of_rows, [failure for _, failure in expected])
    assert predictions(left, "times5") == [5.0, None, 15.0, None]
    assert predictions(left, "times10") == [None, None, 30.0, None]
    assert left.rows.drop_columns(["model:times5", "model:times10"]) == sent.rows.drop_columns(
        ["model:times5", "model:times10"]
    )


def predictions(of: Batch, model: str) -> list[float | None]:
    return [answer and answer["prediction"] for answer in of.column(f"model:{model}").to_pylist()]


def test_earlier_failures_stay_before_those_of_the_sink() -> None:
    earlier = failure_rows(batch([9.0]).rows, [Failure("decode", "AvroError", "cut off")])
    promises = Promises()
    sink = WriteTable([TIMES5], "j1", promises)
    assert list(sink.process(Batch(batch([1.0]).rows, earlier))) == []
    promises.answers[0].set_result([Refusal(0, "Odd", "no")])
    (left,) = finish(sink)
    assert left.failures.column("stage").to_pylist() == ["decode", "write_table"]


def test_the_table_gets_the_rows_of_all_models() -> None:
    name = uuid4().hex
    sent = batch([1.0, 2.0], without=[2.0])
    assert list(WriteTable(MODELS, "j1", memory.MemoryTable(name)).process(sent)) == [sent]
    assert memory.ROWS[name] == to_predictions(sent, MODELS, "j1", SCHEMA).rows.to_pylist()
    assert [(row["prediction_id"], row["prediction"]) for row in memory.ROWS[name]] == [
        ("id-0/times5", 5.0),
        ("id-1/times5", 10.0),
        ("id-0/times10", 10.0),
    ]
    assert {row["job_hash"] for row in memory.ROWS[name]} == {"j1"}


def test_the_topic_gets_a_message_for_each_row_with_the_row_s_key() -> None:
    name = uuid4().hex
    sent = batch([1.0, 2.0], without=[1.0])
    assert list(Publish(MODELS, "j1", memory.MemoryTopic(name)).process(sent)) == [sent]
    rows = to_predictions(sent, MODELS, "j1", SCHEMA).rows
    assert memory.MESSAGES[name] == list(
        zip(to_json(rows), to_attributes(rows), ["device-0", "device-1", "device-1"], strict=True)
    )


def test_a_batch_without_any_answer_passes() -> None:
    name = uuid4().hex
    nothing, empty = batch([1.0, 2.0]), batch([])
    for model in MODELS:
        nothing = nothing.without_answers(model.name, pa.array([True, True]))
    for each in (nothing, empty):
        assert list(WriteTable(MODELS, "j1", memory.MemoryTable(name)).process(each)) == [each]
        assert list(Publish(MODELS, "j1", memory.MemoryTopic(name)).process(each)) == [each]
    assert (memory.ROWS[name], memory.MESSAGES[name]) == ([], [])


@pytest.mark.parametrize("kind", [WriteTable, Publish])
def test_without_an_end_batches_pass_at_once_as_they_are(kind: type[Sink]) -> None:
    sink = kind(MODELS, "j1", None)
    sent = batch([1.0])
    sink.start_bundle()
    (left,) = sink.process(sent)
    assert left is sent
    assert finish(sink) == []


class Closed:
    """A table and a place for dead letters that take nothing any more."""

    def append(self, rows: pa.RecordBatch) -> Future[list[Refusal]]:
        raise RuntimeError("closed")

    def write(self, failures: pa.RecordBatch) -> None:
        raise RuntimeError("closed")


def test_rows_that_cannot_be_sent_fail_the_bundle() -> None:
    with pytest.raises(RuntimeError, match="closed"):
        list(WriteTable(MODELS, "j1", Closed()).process(batch([1.0])))


@dataclass
class Counts:
    """What this process has counted since."""

    before: Counter[str] = field(default_factory=lambda: Counter(metrics.snapshot()["counters"]))

    def since(self) -> tuple[int, int]:
        """Predictions and dead letters."""
        counted = Counter(metrics.snapshot()["counters"]) - self.before
        return _sum(counted, "predictions_"), _sum(counted, "dead_letters_")

    def latencies(self) -> int:
        """Messages whose latency was counted."""
        return _sum(Counter(metrics.snapshot()["counters"]) - self.before, "latency_ms_bucket_")


def _sum(counted: Counter[str], prefix: str) -> int:
    return sum(count for name, count in counted.items() if name.startswith(prefix))


REFUSED = Failure("generation", "GenerationRefusedError", "generation 2: no variables", "times5")


def failed(rows: int) -> Batch:
    """Two readings that are answered, one of them by times5 alone, and so many that are not."""
    failures = failure_rows(readings([0.0] * rows).rows, [Failure("infer:times5", "Error", "no", "times5")] * rows)
    return Batch(batch([1.0, 2.0], without=[1.0]).rows, failures)


@dataclass
class Recorder:
    """Keeps the failures, and what had been counted when they came."""

    counts: Counts
    written: list[tuple[pa.RecordBatch, tuple[int, int]]] = field(default_factory=list)

    def write(self, failures: pa.RecordBatch) -> None:
        self.written.append((failures, self.counts.since()))


def test_dead_letters_are_written_before_anything_is_counted() -> None:
    counts = Counts()
    recorder = Recorder(counts)
    sent = failed(3)
    assert list(WriteDeadLetters(MODELS, recorder).process(sent)) == [sent]
    assert recorder.written == [(sent.failures, (0, 0))]
    assert counts.since() == (3, 3)


def test_without_failures_nothing_is_written_and_all_is_counted() -> None:
    counts = Counts()
    recorder = Recorder(counts)
    sent = batch([1.0, 2.0])
    assert sent.failures == NO_FAILURES
    assert list(WriteDeadLetters(MODELS, recorder).process(sent)) == [sent]
    assert recorder.written == []
    assert counts.since() == (4, 0)


def test_dead_letters_that_cannot_be_written_fail_the_bundle_uncounted() -> None:
    counts = Counts()
    with pytest.raises(RuntimeError, match="closed"):
        list(WriteDeadLetters(MODELS, Closed()).process(failed(1)))
    assert counts.since() == (0, 0)
    assert counts.latencies() == 0


def test_an_event_is_written_and_counted_as_a_dead_letter_but_is_no_message() -> None:
    counts = Counts()
    recorder = Recorder(counts)
    sent = batch([1.0]).with_events([REFUSED, REFUSED])
    assert list(WriteDeadLetters(MODELS, recorder).process(sent)) == [sent]
    assert recorder.written == [(sent.failures, (0, 0))]
    assert counts.since() == (2, 2)
    assert counts.latencies() == 1


def test_an_event_of_a_batch_without_rows_passes_every_sink() -> None:
    name, counts = uuid4().hex, Counts()
    sent = batch([]).with_events([REFUSED])
    for sink in (
        WriteTable(MODELS, "j1", memory.MemoryTable(name)),
        Publish(MODELS, "j1", memory.MemoryTopic(name)),
        WriteDeadLetters(MODELS, memory.MemoryDeadLetters(name)),
    ):
        assert list(sink.process(sent)) == [sent]
    assert (memory.ROWS[name], memory.MESSAGES[name]) == ([], [])
    assert memory.FAILURES[name] == sent.failures.to_pylist()
    assert (counts.since(), counts.latencies()) == ((0, 1), 0)


@dataclass
class Diary:
    """Files of which is kept what was done with them."""

    said: list[str | Batch] = field(default_factory=list)

    def writer(self) -> Diary:
        self.said.append("writer")
        return self

    def write(self, batch: Batch) -> None:
        self.said.append(batch)

    def close(self) -> None:
        self.said.append("close")

    def discard(self) -> None:
        self.said.append("discard")


def test_files_are_closed_with_each_bundle_and_dropped_if_it_did_not_end() -> None:
    diary = Diary()
    sink = WriteFiles(diary)
    sent = batch([1.0])
    sink.start_bundle()
    assert list(sink.process(sent)) == [sent]
    sink.finish_bundle()
    sink.start_bundle()
    assert list(sink.process(sent)) == [sent]
    sink.teardown()
    assert diary.said == ["writer", sent, "close", "discard", sent, "discard"]


def test_files_of_a_bundle_that_is_cut_short_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary()
    sink = WriteFiles(diary)
    sent = batch([1.0])
    sink.start_bundle()
    assert list(sink.process(sent)) == [sent]
    asked = threading.Event()
    asked.set()
    monkeypatch.setattr("streaming.sinks.stop_asked", asked)
    sink.finish_bundle()
    sink.teardown()
    assert diary.said == ["writer", sent, "discard"]


def test_dead_letters_go_to_files_with_and_without_a_service() -> None:
    for sink in (Recorder(Counts()), None):
        diary = Diary()
        step = WriteDeadLetters(MODELS, sink, diary)
        step.start_bundle()
        assert [len(each) for each in (*step.process(failed(1)), *step.process(batch([1.0])))] == [2, 1]
        step.finish_bundle()
        assert diary.said == ["writer", failed(1), batch([1.0]), "close"]
        assert sink is None or len(sink.written) == 1
