"""Batch jobs: what one is, HTCondor, the queue of the login node, and the job generator."""
