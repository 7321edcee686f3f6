"""What `bin/run` starts: one parent that prepares and watches, and its children web, worker and mailbox."""
