"""Names the mistake of a wrong program from its answers: by the catalogue, or by what else they show."""
