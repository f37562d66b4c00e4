locals {
  deletion_policy = var.deletion_protection ? "PREVENT" : "DELETE"
  retention       = "${var.retention_days * 86400}s"
}

resource "google_pubsub_schema" "reading" {
  name       = "${var.name}-reading"
  type       = "AVRO"
  definition = file("${path.module}/${var.schema_file}")

  depends_on = [google_project_service.apis]
}

resource "google_pubsub_topic" "input" {
  name            = "${var.name}-readings"
  deletion_policy = local.deletion_policy

  dynamic "schema_settings" {
    for_each = var.schema_encoding == null ? [] : [var.schema_encoding]

    content {
      schema   = google_pubsub_schema.reading.id
      encoding = schema_settings.value
    }
  }

  depends_on = [google_project_service.apis]
}

# No dead_letter_policy and no retry_policy: Dataflow does not support them fully. Pub/Sub counts every delivery, also
# those of a worker that was lost or of a sink that was away, and would take good messages out of the stream. The job
# has dead letters of its own, each with the reason.
resource "google_pubsub_subscription" "input" {
  name                         = "${var.name}-readings"
  topic                        = google_pubsub_topic.input.id
  message_retention_duration   = local.retention
  ack_deadline_seconds         = 60 # Dataflow extends it while it works; a lost worker's messages come again after it
  enable_message_ordering      = false
  enable_exactly_once_delivery = false # it slows Dataflow down, and adds nothing to either streaming mode
  deletion_policy              = local.deletion_policy

  expiration_policy {
    ttl = "" # never, or a job that stands still for a month would lose its subscription
  }
}

resource "google_pubsub_topic" "output" {
  count = var.publish_predictions ? 1 : 0

  name = "${var.name}-predictions"

  depends_on = [google_project_service.apis]
}

resource "google_pubsub_topic" "deadletters" {
  name            = "${var.name}-deadletters"
  deletion_policy = local.deletion_policy

  depends_on = [google_project_service.apis]
}

# Without it what the topic gets would be gone. `pubsub-inference replay --subscription` reads it.
resource "google_pubsub_subscription" "deadletters" {
  name                       = "${var.name}-deadletters"
  topic                      = google_pubsub_topic.deadletters.id
  message_retention_duration = local.retention
  ack_deadline_seconds       = 60
  deletion_policy            = local.deletion_policy

  expiration_policy {
    ttl = ""
  }
}
