"""One module a command, each with ``run(options) -> exit status``. Imported only when its command is called."""
