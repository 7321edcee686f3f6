"""What makes a sandbox safe to play in: nothing leaves this machine, and every mail can be looked at."""
