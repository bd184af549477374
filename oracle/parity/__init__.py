"""Compares an exported model with the original; each recurrent node is judged on its own inputs."""
