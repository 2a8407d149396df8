"""What stages hand to each other, and the environment in which a job runs."""
