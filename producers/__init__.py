"""What stands outside the job: toy models to serve, devices that publish, and the account of what came out."""
