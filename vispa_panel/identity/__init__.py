"""Accounts, sign-in sessions and attempts: who somebody is."""
