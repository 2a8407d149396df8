"""Stage 5: distils the teacher's scores."""
