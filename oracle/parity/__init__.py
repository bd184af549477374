"""An exported model beside the original: every recurrent node where it stands, on what it was given there."""
