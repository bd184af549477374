"""Finds where, when and how a program is wrong, for mistakes outside of the catalogue; see `locate`."""
