terraform {
  required_version = ">= 1.5"

  required_providers {
    # 7.45: before it, an update of a dataset took back the roles that were granted on it.
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }

    # Flex Template jobs are in this one alone.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 7.45"
    }
  }
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = local.labels
}

provider "google-beta" {
  project        = var.project
  region         = var.region
  default_labels = local.labels
}

locals {
  labels = merge({ app = "pubsub-inference", name = var.name }, var.labels)
}
