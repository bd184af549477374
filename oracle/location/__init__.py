"""Where, when and how a program is wrong, whatever its mistake is; `locate` is the entry."""
