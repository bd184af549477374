"""A target runs in a process of its own, where it can do no harm, and says what its functions answer."""
