# Where, and what it is called.

variable "project" {
  description = "The id of the project that everything is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "region" {
  description = "The region of workers, buckets, images and, unless dataset_location says otherwise, of the dataset. What crosses regions is charged."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is written as in europe-west4; a zone, europe-west4-a, is none."
  }
}

variable "name" {
  description = "The job's name, and what the names of all resources begin with."
  type        = string
  default     = "pumps"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,17}[a-z0-9]$", var.name))
    error_message = "3 to 19 lower-case letters, digits and hyphens, a letter first: the names of service accounts, which end in -publisher, have room for no more."
  }
}

variable "labels" {
  description = "Further labels of all resources and of the job, by which bills can be split."
  type        = map(string)
  default     = {}
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete what holds messages, rows, job files and models. With false it deletes them with all that is in them."
  type        = bool
  default     = true
}

# Messages.

variable "schema_file" {
  description = "The Avro schema that the job file names as message.schema; a path from this directory. A change of it is a new revision of the topic's schema, of which there are 20 at most."
  type        = string
  default     = "../examples/pumps/reading.avsc"
}

variable "schema_encoding" {
  description = "How the input topic's messages are encoded: BINARY for Avro, JSON for Avro's JSON. Pub/Sub refuses what does not fit. Null is for a job file with format: json and devices that send plain JSON: a topic without a schema, where a misfit becomes a dead letter."
  type        = string
  default     = "BINARY"

  validation {
    condition     = var.schema_encoding == null ? true : contains(["BINARY", "JSON"], var.schema_encoding)
    error_message = "BINARY, JSON or null."
  }
}

variable "retention_days" {
  description = "For how many days the subscriptions keep messages that nobody has acknowledged: the longest that the job may stand still without a loss. Kept messages are charged as storage."
  type        = number
  default     = 7

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 31
    error_message = "1 to 31 days."
  }
}

variable "publish_predictions" {
  description = "Whether there is an output topic, to which the job publishes every prediction. Each is charged by its bytes, once for publishing and once for each subscription."
  type        = bool
  default     = true
}

# Rows.

variable "dataset_location" {
  description = "Where the dataset is, as in EU or europe-west4; null for the region."
  type        = string
  default     = null
}

variable "output_table" {
  description = "The name of the table of predictions. The job makes it, partitioned by day of event time."
  type        = string
  default     = "predictions"
}

variable "deadletter_table" {
  description = "The name of the table of dead letters, in the same dataset. The job makes it, too."
  type        = string
  default     = "predictions_error_records"
}

variable "partition_expiration_days" {
  description = "After how many days BigQuery drops a day's partition from tables made from now on; null for never. Rows whose event time is older than that are dropped at once."
  type        = number
  default     = null
}

# Files and images.

variable "job_file" {
  description = "The job file's path in the bucket of job files. The models lie where it says, as a rule beside it."
  type        = string
  default     = "pumps/job.yaml"
}

variable "temp_days" {
  description = "After how many days what lies below temp/ in the staging bucket is deleted. What lies below staging/ stays, since every worker that starts reads it."
  type        = number
  default     = 7
}

variable "image_tag" {
  description = "The tag of the image, and of the template that names it. Another tag makes Terraform update the running job."
  type        = string
  default     = "0.1.0"

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "A tag that stays, such as a version or a commit; latest does not."
  }
}

variable "images_kept" {
  description = "How many of the newest images are kept however old they are. A running job's must be among them: every worker that starts pulls it."
  type        = number
  default     = 10
}

# People and machines.

variable "impersonators" {
  description = "Who may act as the accounts that launch jobs, build images and publish messages: lists of members, as in user:ann@example.com or a CI's principal://."
  type = object({
    launcher  = optional(list(string), [])
    builder   = optional(list(string), [])
    publisher = optional(list(string), [])
  })
  default = {}
}

variable "image_writers" {
  description = "Who else may push images: the account that Cloud Build runs as, for one."
  type        = list(string)
  default     = []
}

# The job.

variable "launch_job" {
  description = "Whether Terraform launches the job. It needs the image, the template, the job file and the models, for which the first apply makes the places: start with false. Keep it so if jobs are launched by pubsub-inference launch."
  type        = bool
  default     = false
}

variable "streaming_mode" {
  description = "at_least_once, which costs less, or exactly_once, which only keeps Pub/Sub's redeliveries out: the sinks may repeat a row either way, under the same prediction_id."
  type        = string
  default     = "at_least_once"

  validation {
    condition     = contains(["at_least_once", "exactly_once"], var.streaming_mode)
    error_message = "at_least_once or exactly_once."
  }
}

variable "machine_type" {
  description = "The workers' machine type. Dataflow starts a Python process for each vCPU, and each holds all models in memory."
  type        = string
  default     = "n2-standard-2"
}

variable "max_workers" {
  description = "How many workers there may be: the bound of the bill. Workers come and go with the backlog. Terraform replaces the job if this changes: it drains the old one first, and messages wait on the subscription."
  type        = number
  default     = 3

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 1000
    error_message = "1 to 1000."
  }
}

variable "launcher_machine_type" {
  description = "The machine type of the VM that checks the job and draws its graph, for some minutes at each launch."
  type        = string
  default     = "e2-standard-2"
}

variable "subnetwork" {
  description = "The subnetwork of launcher and workers, as in regions/europe-west4/subnetworks/default; null for that of the network default. Without public addresses it must have Private Google Access, or the VMs reach no service and the launch runs into its timeout."
  type        = string
  default     = null
}

variable "public_ips" {
  description = "Whether the VMs have public addresses. They need none, and each is charged by the hour."
  type        = bool
  default     = false
}

variable "output_ordering" {
  description = "Whether output messages carry the key as their ordering key."
  type        = bool
  default     = false
}

variable "window_duration" {
  description = "The length of the event-time windows, as in 5m; null for the job file's."
  type        = string
  default     = null
}

variable "batch_size" {
  description = "The most rows of one model call; null for the template's default."
  type        = number
  default     = null
}

variable "batch_max_wait" {
  description = "How long a batch may wait for more, as in 200ms; null for what a bundle brings. Waiting takes state, and with it Streaming Engine's compute."
  type        = string
  default     = null
}
