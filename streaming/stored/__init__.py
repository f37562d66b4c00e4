"""The same job over stored data: files and tables in the place of a subscription, files beside the table."""
