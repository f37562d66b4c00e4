"""What whoever is woken by an alert reads: one runbook for each rule."""

from __future__ import annotations

from streaming.monitoring.limits import (
    LARGE_BACKLOG,
    LATE_SECONDS,
    MINUTES,
    MOST_BEHIND_SECONDS,
    MOST_DEAD_LETTER_SHARE,
    MOST_GROWTH,
    MOST_LATE_SHARE,
    MOST_UNACKED_SECONDS,
)
from streaming.monitoring.rule import Runbook

JOB_FAILED = Runbook(
    means="Dataflow has given the job up. Messages stay in the subscription until its retention ends.",
    look="The errors among the job's messages: `pubsub-inference monitor JOB`, or the job's page in the console.",
    do="Mend what they name and launch the job again, from the same subscription. Nothing that was acknowledged is "
    "missing, and the rest comes again.",
)
NO_PREDICTIONS = Runbook(
    means=f"Messages wait in the subscription, and for {MINUTES} no model has answered one that the sinks took.",
    look="The job's errors, and the sinks' retries and refusals, in `pubsub-inference monitor JOB`. A bundle that "
    "fails is tried again for ever, so the same error comes again and again: a table or topic that is gone, a role "
    "taken away, a model that is away.",
    do="Mend what the errors name; the job goes on by itself. If every message is a dead letter, see that alert.",
)
OLDEST_UNACKED = Runbook(
    means=f"For {MINUTES} the oldest message that is not acknowledged has been older than {MOST_UNACKED_SECONDS:g} s. "
    "At the end of the subscription's retention messages are lost.",
    look="Input rate, backlog and the models' shares of the time in `pubsub-inference monitor JOB`. An age that grows "
    "by a second a second is a job that stands still, or a bundle that fails again and again.",
    do="If a model takes the time: more workers (`pubsub-inference update` with a greater --max-workers), larger "
    "batches, a faster model. If nothing moves: mend what the job's errors name.",
)
BACKLOG_GROWING = Runbook(
    means=f"For {MINUTES} more than {LARGE_BACKLOG:,.0f} messages have waited, and they become more by more than "
    f"{MOST_GROWTH:g} a second: more come than are acknowledged.",
    look="Which model takes the time, and the number of workers, in `pubsub-inference monitor JOB`.",
    do="Let the job have more workers: `pubsub-inference update` with a greater --max-workers. After a peak the "
    "backlog shrinks by itself.",
)
FRESHNESS = Runbook(
    means=f"For {MINUTES} the job's watermark has been more than {MOST_BEHIND_SECONDS:g} s behind the clock.",
    look="Backlog and oldest message: the watermark follows them. If both are small, one bundle fails again and again: "
    "see the job's errors.",
    do="If messages wait, do as for messages that wait too long; otherwise mend what the errors name.",
)
LATE_ANSWERS = Runbook(
    means=f"The 99th percentile of the time from publishing until every sink has answered is above {LATE_SECONDS:g} s: "
    f"in {MINUTES} more than {MOST_LATE_SHARE:.0%} of the messages took longer.",
    look="Where the time passes: in the queue (then the job is behind), in a model, or in a sink (then it is asked "
    "again).",
    do="For a queue, more workers. For a model, a faster one, or a `timeout` in the job file. For a sink, see why its "
    "service is slow.",
)
DEAD_LETTERS = Runbook(
    means=f"In {MINUTES} there were more dead letters than {MOST_DEAD_LETTER_SHARE:.0%} of the messages read.",
    look="Their stages and latest reasons in `pubsub-inference monitor JOB`, and all of them in the dead-letter table.",
    do="Stage `decode`: a device sends another schema. Stage `infer:MODEL`: the model fails on what it is given. Mend "
    "it, then send them again with `pubsub-inference replay`.",
)
SINK_REFUSALS = Runbook(
    means="BigQuery or Pub/Sub has refused rows or messages. Those of predictions are dead letters of the stage "
    "`write_table` or `publish`.",
    look="The reasons in the dead-letter table: a column that was changed by hand, a message that is too large.",
    do="Mend the table or the topic, then send them again with `pubsub-inference replay`.",
)
GENERATION_REFUSED = Runbook(
    means="A new generation of a model was found and not taken up: it cannot be loaded, has another signature, or "
    "answers its trial with nonsense. The generation before goes on answering.",
    look="The reason in the dead-letter table, stage `generation`.",
    do="Upload a whole generation under a new number, or name the good one in the `manifest.json`.",
)
