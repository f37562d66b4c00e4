locals {
  # The template's parameters; null leaves one out.
  parameters = {
    job_file                = "${google_storage_bucket.jobs.url}/${var.job_file}"
    input_subscription      = google_pubsub_subscription.input.id
    output_table            = "${var.project}.${google_bigquery_dataset.output.dataset_id}.${var.output_table}"
    output_topic            = one(google_pubsub_topic.output[*].id)
    output_ordering         = tostring(var.output_ordering)
    output_deadletter_table = "${var.project}.${google_bigquery_dataset.output.dataset_id}.${var.deadletter_table}"
    output_deadletter_topic = google_pubsub_topic.deadletters.id
    window_duration         = var.window_duration
    batch_size              = tostring(var.batch_size)
    batch_max_wait          = var.batch_max_wait
  }

  given_parameters = { for name, value in local.parameters : name => value if value != null }
  staging_location = "${google_storage_bucket.staging.url}/staging"
  temp_location    = "${google_storage_bucket.staging.url}/temp"
}

# A change of parameters, template, image or machine type updates the running job; one of name, region or max_workers
# replaces it.
resource "google_dataflow_flex_template_job" "inference" {
  provider = google-beta
  count    = var.launch_job ? 1 : 0

  name                    = var.name
  region                  = var.region
  container_spec_gcs_path = local.template
  parameters              = local.given_parameters

  # Given although the template names it: an update would otherwise send the image that Terraform has read of the
  # running job, and put the new template on the old image.
  sdk_container_image = local.image

  service_account_email   = google_service_account.worker.email
  staging_location        = local.staging_location
  temp_location           = local.temp_location
  machine_type            = var.machine_type
  max_workers             = var.max_workers
  launcher_machine_type   = var.launcher_machine_type
  enable_streaming_engine = true # at-least-once needs it, and workers need no large disks
  additional_experiments  = ["streaming_mode_${var.streaming_mode}"]
  subnetwork              = var.subnetwork
  ip_configuration        = var.public_ips ? "WORKER_IP_PUBLIC" : "WORKER_IP_PRIVATE"
  on_delete               = "drain"

  depends_on = [
    google_artifact_registry_repository_iam_member.worker_pulls,
    google_bigquery_dataset_iam_member.worker_writes,
    google_project_iam_member.worker_runs,
    google_pubsub_subscription_iam_member.worker_reads,
    google_pubsub_subscription_iam_member.worker_sees,
    google_pubsub_topic_iam_member.worker_publishes_deadletters,
    google_pubsub_topic_iam_member.worker_publishes_predictions,
    google_pubsub_topic_iam_member.worker_sees_deadletters,
    google_pubsub_topic_iam_member.worker_sees_predictions,
    google_storage_bucket_iam_member.worker_reads_jobs,
    google_storage_bucket_iam_member.worker_stages,
  ]
}
