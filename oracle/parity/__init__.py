"""Compares an exported model with the original, and judges each recurrent node on its own inputs."""
