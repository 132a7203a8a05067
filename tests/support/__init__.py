"""What several test rooms share: real servers and the accounts they log in to."""
