"""The demo: an SSH server of our own on loopback, with homes full of examples."""
