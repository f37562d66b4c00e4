output "input_topic" {
  description = "The topic that devices publish to."
  value       = google_pubsub_topic.input.id
}

output "input_subscription" {
  description = "The subscription that the job reads."
  value       = google_pubsub_subscription.input.id
}

output "output_topic" {
  description = "The topic that the job publishes predictions to; null for none. Whoever wants them makes a subscription."
  value       = one(google_pubsub_topic.output[*].id)
}

output "output_table" {
  description = "The table of predictions."
  value       = local.parameters.output_table
}

output "deadletter_table" {
  description = "The table of dead letters."
  value       = local.parameters.output_deadletter_table
}

output "deadletter_subscription" {
  description = "The subscription that keeps dead letters with their original bytes, for pubsub-inference replay."
  value       = google_pubsub_subscription.deadletters.id
}

output "jobs_bucket" {
  description = "The bucket of job files, models and templates, as gs://BUCKET."
  value       = google_storage_bucket.jobs.url
}

output "image" {
  description = "The image's full name."
  value       = local.image
}

output "template" {
  description = "The template's file."
  value       = local.template
}

output "job_file" {
  description = "The job file that the job is launched with."
  value       = local.parameters.job_file
}

output "worker" {
  description = "The account that the job runs as."
  value       = google_service_account.worker.email
}

output "launcher" {
  description = "The account to launch, update, drain and cancel jobs as."
  value       = google_service_account.launcher.email
}

output "builder" {
  description = "The account to push images and upload files as."
  value       = google_service_account.builder.email
}

output "publisher" {
  description = "The account to publish messages as."
  value       = google_service_account.publisher.email
}

output "template_flags" {
  description = "What pubsub-inference template is given."
  value = join(" ", [
    "--project=${var.project}",
    "--region=${var.region}",
    "--repository=${google_artifact_registry_repository.images.name}",
    "--tag=${var.image_tag}",
    "--output=${local.template}",
  ])
}

output "launch_flags" {
  description = "What pubsub-inference launch and update are given after the job's name: what Terraform would launch it with."
  value = join(" ", concat(
    [
      "--template=${local.template}",
      "--project=${var.project}",
      "--region=${var.region}",
      "--streaming-mode=${replace(var.streaming_mode, "_", "-")}",
      "--service-account=${google_service_account.worker.email}",
      "--machine-type=${var.machine_type}",
      "--launcher-machine-type=${var.launcher_machine_type}",
      "--max-workers=${var.max_workers}",
      "--staging-location=${local.staging_location}",
      "--temp-location=${local.temp_location}",
      var.public_ips ? "--public-ips" : "--no-public-ips",
    ],
    var.subnetwork == null ? [] : ["--subnetwork=${var.subnetwork}"],
    [for key, value in local.labels : "--label=${key}=${value}"],
    [for name, value in local.given_parameters : "--${name}=${value}"],
  ))
}

output "job_id" {
  description = "The id of the job that Terraform has launched; null for none."
  value       = one(google_dataflow_flex_template_job.inference[*].job_id)
}
