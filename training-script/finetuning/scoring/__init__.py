"""Stage 4: scores pairs with a teacher."""
