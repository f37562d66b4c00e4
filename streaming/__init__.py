"""Streaming TensorFlow inference on Pub/Sub with Apache Beam. Start at `pipeline.py`."""
