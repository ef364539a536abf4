"""A whole class at once: projects from a roster, grades from hand-ins. See docs/TEACHING.md."""
