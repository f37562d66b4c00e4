"""The messages of a fleet to Pub/Sub, at a rate."""
