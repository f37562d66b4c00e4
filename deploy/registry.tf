resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  location      = var.region
  format        = "DOCKER"
  description   = "Images of the job ${var.name}: one for launcher and workers."

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      tag_state  = "ANY"
      older_than = "2592000s" # 30 days
    }
  }

  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = var.images_kept
    }
  }

  depends_on = [google_project_service.apis]
}

locals {
  image    = "${google_artifact_registry_repository.images.registry_uri}/pubsub-inference:${var.image_tag}"
  template = "${google_storage_bucket.jobs.url}/templates/pubsub-inference-${var.image_tag}.json"
}
