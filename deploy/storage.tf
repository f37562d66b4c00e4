# Job files, models and templates: what people put there, and the job only reads.
resource "google_storage_bucket" "jobs" {
  name                        = "${var.project}-${var.name}-jobs"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection
  deletion_policy             = local.deletion_policy

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      with_state                 = "ARCHIVED"
      days_since_noncurrent_time = 30
    }
  }

  depends_on = [google_project_service.apis]
}

# What Dataflow puts there, below staging/ and temp/.
resource "google_storage_bucket" "staging" {
  name                        = "${var.project}-${var.name}-staging"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  # Nothing in it is worth restoring, and deleted files would be charged for another week.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = var.temp_days
      matches_prefix = ["temp/"]
    }
  }

  depends_on = [google_project_service.apis]
}
