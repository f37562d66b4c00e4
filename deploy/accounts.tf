# Four accounts: whoever launches a job reads no message, and whoever publishes one does nothing else. What each may do
# is in roles.tf. None has a key: impersonate them.

resource "google_service_account" "worker" {
  account_id   = "${var.name}-worker"
  display_name = "${var.name}: the job"
  description  = "What the workers run as, and the VM that launches the job."

  depends_on = [google_project_service.apis]
}

resource "google_service_account" "launcher" {
  account_id   = "${var.name}-launcher"
  display_name = "${var.name}: launching"
  description  = "What people or a CI launch, update, drain and cancel the job as."

  depends_on = [google_project_service.apis]
}

resource "google_service_account" "builder" {
  account_id   = "${var.name}-builder"
  display_name = "${var.name}: building"
  description  = "What people or a CI push images and upload templates, job files and models as."

  depends_on = [google_project_service.apis]
}

resource "google_service_account" "publisher" {
  account_id   = "${var.name}-publisher"
  display_name = "${var.name}: devices"
  description  = "What devices, or the gateway before them, publish messages as."

  depends_on = [google_project_service.apis]
}

locals {
  accounts = {
    launcher  = google_service_account.launcher
    builder   = google_service_account.builder
    publisher = google_service_account.publisher
  }

  impersonations = merge([
    for account, members in var.impersonators : {
      for member in members : "${account} ${member}" => { account = account, member = member }
    }
  ]...)
}

# GenerateAccessToken: acting as one of these accounts without a key of its.
resource "google_service_account_iam_member" "impersonators" {
  for_each = local.impersonations

  service_account_id = local.accounts[each.value.account].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value.member
}
