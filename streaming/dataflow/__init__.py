"""The service's side: the job as a Flex Template of Dataflow."""
