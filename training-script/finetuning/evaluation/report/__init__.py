"""The evaluation's report for people: Markdown, and one self-contained page."""
