"""What reaches into the insides of other projects: a module for each, and a test of what it counts on."""
