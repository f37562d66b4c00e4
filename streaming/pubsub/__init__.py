"""Pub/Sub: a subscription pulled and acknowledged, messages published, and the limits of either."""
