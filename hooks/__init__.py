"""The hooks that cookiecutter runs, and what b2_starter_extension.py needs to know for them."""
