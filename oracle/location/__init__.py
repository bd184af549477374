"""Where, when and how a program is wrong, whatever the mistake is: told from what it answers alone."""
