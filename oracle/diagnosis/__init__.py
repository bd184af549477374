"""What a wrong program looks like, told from its behaviour: named by the catalogue, or by its traces."""
