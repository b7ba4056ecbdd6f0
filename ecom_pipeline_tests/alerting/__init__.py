"""What is told between reports."""
