# The job makes its tables, and gives them the columns that a new job file adds: Terraform would take those back.
resource "google_bigquery_dataset" "output" {
  dataset_id                      = replace(var.name, "-", "_")
  description                     = "Predictions and dead letters of the job ${var.name}."
  location                        = coalesce(var.dataset_location, var.region)
  default_partition_expiration_ms = var.partition_expiration_days == null ? null : var.partition_expiration_days * 86400000
  deletion_policy                 = local.deletion_policy
  delete_contents_on_destroy      = !var.deletion_protection

  depends_on = [google_project_service.apis]
}
