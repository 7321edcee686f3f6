"""What Redress does, as commands of `flask`."""
