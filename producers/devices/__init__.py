"""A fleet of devices: which of them sends when, how they wear, and what they measure."""
