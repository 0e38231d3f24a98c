"""What every room stands on: processes, locks, clocks, text of paths and numbers; nothing of documents."""
