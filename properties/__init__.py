"""What must hold of any implementation: strategies, laws, and the implementation under test."""
