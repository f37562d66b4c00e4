# Every role, and the calls that need it. Only what can be granted nowhere else is granted on the project.

# The worker's, which the VM that launches the job has as well.

# Work items, autoscaling, log entries and metrics; storage.buckets.get, which Beam asks for before it stages a file.
# The role also creates and reads objects in all buckets of the project: those of others belong in another project.
resource "google_project_iam_member" "worker_runs" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = google_service_account.worker.member
}

# Pull and Acknowledge. The reader takes no timestamp attribute, so that Dataflow makes no tracking subscription, for
# which roles/pubsub.editor would be needed.
resource "google_pubsub_subscription_iam_member" "worker_reads" {
  subscription = google_pubsub_subscription.input.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.worker.member
}

# GetSubscription: the launch sees whether it is there.
resource "google_pubsub_subscription_iam_member" "worker_sees" {
  subscription = google_pubsub_subscription.input.name
  role         = "roles/pubsub.viewer"
  member       = google_service_account.worker.member
}

# Publish: predictions.
resource "google_pubsub_topic_iam_member" "worker_publishes_predictions" {
  count = var.publish_predictions ? 1 : 0

  topic  = google_pubsub_topic.output[0].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.worker.member
}

# GetTopic: the launch sees whether it is there.
resource "google_pubsub_topic_iam_member" "worker_sees_predictions" {
  count = var.publish_predictions ? 1 : 0

  topic  = google_pubsub_topic.output[0].name
  role   = "roles/pubsub.viewer"
  member = google_service_account.worker.member
}

# Publish: dead letters.
resource "google_pubsub_topic_iam_member" "worker_publishes_deadletters" {
  topic  = google_pubsub_topic.deadletters.name
  role   = "roles/pubsub.publisher"
  member = google_service_account.worker.member
}

# GetTopic, as above.
resource "google_pubsub_topic_iam_member" "worker_sees_deadletters" {
  topic  = google_pubsub_topic.deadletters.name
  role   = "roles/pubsub.viewer"
  member = google_service_account.worker.member
}

# tables.get, insert and update at launch (two tables and a view), AppendRows and tabledata.insertAll afterwards. No
# query is run, so that roles/bigquery.jobUser is not needed.
resource "google_bigquery_dataset_iam_member" "worker_writes" {
  dataset_id = google_bigquery_dataset.output.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.worker.member
}

# objects.get and list: job file, schema and SavedModels, whose directory is listed to see new generations.
resource "google_storage_bucket_iam_member" "worker_reads_jobs" {
  bucket = google_storage_bucket.jobs.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.worker.member
}

# objects.create, get, list and delete: the job graph and temporary files.
resource "google_storage_bucket_iam_member" "worker_stages" {
  bucket = google_storage_bucket.staging.name
  role   = "roles/storage.objectUser"
  member = google_service_account.worker.member
}

# Pulling the image.
resource "google_artifact_registry_repository_iam_member" "worker_pulls" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.worker.member
}

# The launcher's.

# LaunchFlexTemplate, jobs.get, list and update, messages.list and metrics.get.
resource "google_project_iam_member" "launcher_launches" {
  project = var.project
  role    = "roles/dataflow.developer"
  member  = google_service_account.launcher.member
}

# Naming the worker's account as the one that the job runs as; no other's.
resource "google_service_account_iam_member" "launcher_uses_worker" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.launcher.member
}

# objects.get and list: the template, and job file, schema and models, which are checked before a launch.
resource "google_storage_bucket_iam_member" "launcher_reads_jobs" {
  bucket = google_storage_bucket.jobs.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.launcher.member
}

# The builder's.

# Pushing the image.
resource "google_artifact_registry_repository_iam_member" "builder_pushes" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

# The same, by Cloud Build's account for one.
resource "google_artifact_registry_repository_iam_member" "others_push" {
  for_each = toset(var.image_writers)

  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = each.value
}

# Uploading template, job file and models, also over older ones.
resource "google_storage_bucket_iam_member" "builder_uploads" {
  bucket = google_storage_bucket.jobs.name
  role   = "roles/storage.objectUser"
  member = google_service_account.builder.member
}

# The devices'.

# Publish, and nothing else.
resource "google_pubsub_topic_iam_member" "publisher_publishes" {
  topic  = google_pubsub_topic.input.name
  role   = "roles/pubsub.publisher"
  member = google_service_account.publisher.member
}
