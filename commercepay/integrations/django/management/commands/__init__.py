"""Django finds its management commands here."""
