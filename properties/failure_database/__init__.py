"""Stores the problems on which a law failed, in a local database and perhaps a shared one."""
