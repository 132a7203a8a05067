"""What the portal itself remembers, in one SQL database."""
