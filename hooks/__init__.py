"""The hooks that cookiecutter runs, and the modules that b2_starter_extension.py needs."""
